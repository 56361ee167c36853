//! What a release may not hold: nothing of the development NSM and KMS is in its binaries.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::binary;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Words that stand in `capelet-dev` and nowhere else.
const NEEDLES: [&str; 4] = ["AKIADEVELOPMENT", "DEVELOPMENT/secret/of", "capelet-DEVELOPMENT", "kms-root.der"];

fn holds(name: &str) -> Vec<&'static str> {
    let bytes = fs::read(binary(name)).unwrap();
    NEEDLES.into_iter().filter(|needle| bytes.windows(needle.len()).any(|window| window == needle.as_bytes())).collect()
}

/// What rests on a development root stays on this machine: the client refuses to go elsewhere, and it is not offered.
#[test]
fn a_development_enclave_serves_this_machine_alone() {
    let home = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:5000"] {
        let mut command = Command::new(binary("capelet-local"));
        command.args(["-o", "json", "--listen", address, "--home"]).arg(home.path().join("home"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{address}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["error"]["code"], "not-local", "{address}");
        assert!(!home.path().join("home").exists());
    }
}

#[test]
fn no_release_binary_holds_the_development_nsm_or_kms() {
    for name in ["capelet", "capelet-parent", "capelet-core", "capelet-worker", "capelet-pid1"] {
        assert_eq!(holds(name), [""; 0], "{name}");
    }
    // The needles are real: the embedded default has them.
    assert!(holds("capelet-local").len() >= 3);
}
