//! The environment of the tests: the images that run.sh names, files of the checkout, other programs.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path in an environment variable that run.sh sets.
pub fn named(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run tests/image/run.sh")).into()
}

/// The folder of the release: `capelet.eif`, `measurements.json`, `parts/`.
pub fn release() -> PathBuf {
    named("CAPELET_IMAGE")
}

/// The folder of the development image. It trusts the root of the KMS in `CAPELET_KMS`.
pub fn development() -> PathBuf {
    named("CAPELET_IMAGE_DEVELOPMENT")
}

/// A file of the checkout.
pub fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Runs a program that must succeed, and returns its standard output.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The PCRs in the `measurements.json` of a folder.
pub fn measured(folder: &Path) -> Value {
    let json: Value = serde_json::from_slice(&std::fs::read(folder.join("measurements.json")).unwrap()).unwrap();
    json["pcrs"].clone()
}
