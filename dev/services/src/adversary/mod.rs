//! The attacks of an operator who controls the parent. A product passes a test when it detects the attack.

pub mod mitm;
mod pad;
pub mod store;

pub use pad::pad;
