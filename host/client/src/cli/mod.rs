//! The command line: a thin layer that reads arguments, calls the library and prints the result.

pub mod args;
pub mod output;
pub mod program;

mod commands;
mod confirm;
mod context;
mod document_text;
mod input;
mod progress;
mod protected;
