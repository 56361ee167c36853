//! The Rust source of a package: its files, its modules, and what of it only a test build compiles.

pub mod file;
pub mod files;
pub mod modules;
pub mod test_only;
