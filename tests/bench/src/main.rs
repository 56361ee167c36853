//! `make bench`: what operations cost, as ratios to a peer or to a floor that is measured in the same run, because machines
//! are shared and noisy. Nothing here is a test.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod document;
mod growth;
mod measure;
mod session;

fn main() {
    println!("{:<46} {:>12} {:>12} {:>8}  goal", "what", "ours", "floor", "ratio");
    document::run();
    bulk::run();
    session::run();
    growth::run();
}
