//! What others may know of `capelet-local`: its arguments, from which its pages and completions are generated.

#![forbid(unsafe_code)]

pub mod cli;
