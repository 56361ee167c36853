//! No binary of a release contains the development NSM or KMS, and a development enclave serves one machine only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::binary;
use std::fs;
use std::process::Command;

/// Texts that only the binaries with `capelet-dev` contain.
const NEEDLES: [&str; 4] = ["AKIADEVELOPMENT", "DEVELOPMENT/secret/of", "capelet-DEVELOPMENT", "kms-root.der"];

fn needles_in(name: &str) -> Vec<&'static str> {
    let bytes = fs::read(binary(name)).unwrap();
    NEEDLES.into_iter().filter(|needle| bytes.windows(needle.len()).any(|window| window == needle.as_bytes())).collect()
}

/// Anyone on another machine would have to trust a root that this machine made.
#[test]
fn refuses_to_listen_for_other_machines() {
    let home = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:5000"] {
        let mut command = Command::new(binary("capelet-local"));
        command.args(["-o", "json", "--listen", address, "--home"]).arg(home.path().join("home"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{address}");
        let printed = capelet_json_schema::object(&output.stdout);
        assert_eq!(printed["error"]["code"], "not-local", "{address}");
        assert!(!home.path().join("home").exists());
    }
}

#[test]
fn release_binaries_do_not_contain_the_development_nsm_or_kms() {
    for name in ["capelet", "capelet-parent", "capelet-core", "capelet-worker", "capelet-pid1"] {
        assert_eq!(needles_in(name), [""; 0], "{name}");
    }
    // `capelet-local` contains `capelet-dev`. This shows that the needles can be found.
    assert!(needles_in("capelet-local").len() >= 3);
}
