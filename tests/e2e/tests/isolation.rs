//! What a release may not hold: nothing of the development NSM and KMS is in its binaries.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::binary;
use std::fs;

/// Words that stand in `capelet-dev` and nowhere else.
const NEEDLES: [&str; 4] = ["AKIADEVELOPMENT", "DEVELOPMENT/secret/of", "capelet-DEVELOPMENT", "kms-root.der"];

fn holds(name: &str) -> Vec<&'static str> {
    let bytes = fs::read(binary(name)).unwrap();
    NEEDLES.into_iter().filter(|needle| bytes.windows(needle.len()).any(|window| window == needle.as_bytes())).collect()
}

#[test]
fn no_release_binary_holds_the_development_nsm_or_kms() {
    for name in ["capelet", "capelet-parent", "capelet-core", "capelet-worker", "capelet-pid1"] {
        assert_eq!(holds(name), [""; 0], "{name}");
    }
    // The needles are real: the embedded default has them.
    assert!(holds("capelet-local").len() >= 3);
}
