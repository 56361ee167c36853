//! The Rust source of a package: its files, its modules, and what a build leaves out.

pub mod file;
pub mod files;
pub mod left_out;
pub mod modules;
