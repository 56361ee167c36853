//! `make bench`: what operations cost, as ratios to a peer or to a floor that is measured in the same run, because machines
//! are shared and noisy. Nothing here is a test.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod commands;
mod document;
mod growth;
mod measure;
mod session;

/// The parts, in the order in which they run.
const PARTS: [(&str, fn()); 5] = [
    ("document", document::run),
    ("bulk", bulk::run),
    ("session", session::run),
    ("commands", commands::run),
    ("growth", growth::run),
];

/// Runs the parts that the arguments name; without arguments, all.
fn main() {
    let named: Vec<_> = std::env::args().skip(1).collect();
    if let Some(unknown) = named.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        panic!("{unknown} is not a part: {:?}", PARTS.map(|(part, _)| part));
    }
    println!("{:<46} {:>12} {:>12} {:>8}  goal", "what", "ours", "floor", "ratio");
    for (part, run) in PARTS {
        if named.is_empty() || named.iter().any(|name| name == part) {
            run();
        }
    }
}
