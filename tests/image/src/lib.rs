//! What the tests of the image share: an image that is booted by QEMU, a parent beside it, a client. The images, and what
//! they need, are named by the environment (`tests/image/run.sh`).

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod eif;
pub mod hostile;
mod kms;
mod machine;
mod parent;

pub use kms::Kms;
pub use machine::Machine;
pub use parent::Parent;

use capelet_e2e::{Person, binary};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What an environment variable of run.sh's names.
pub fn named(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: tests/image/run.sh")).into()
}

/// The release: `capelet.eif`, `measurements.json`, `parts/`.
pub fn release() -> PathBuf {
    named("CAPELET_IMAGE")
}

/// The development image, under the root of the KMS in `CAPELET_KMS`.
pub fn development() -> PathBuf {
    named("CAPELET_IMAGE_DEVELOPMENT")
}

/// A file of the checkout.
pub fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// What a program that must succeed prints.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An image at work: machine, parent, and the folder of both.
pub struct Enclave {
    /// The machine.
    pub machine: Machine,
    /// The parent.
    pub parent: Parent,
    /// For whatever else a test needs.
    pub folder: TempDir,
}

impl Enclave {
    /// Boots an image beside a parent with a configuration of these words (`capelet-parent configure`) and these of
    /// `serve`; with these variables for boot.sh.
    pub fn start(eif: &Path, configuration: &[&str], serve: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut enclave = Self::boot(eif, configuration, serve, environment);
        enclave.machine.wait_until_serving();
        enclave
    }

    /// The same, and does not wait: it may never come to serve.
    pub fn boot(eif: &Path, configuration: &[&str], serve: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("image").tempdir().unwrap();
        let configured = folder.path().join("configuration");
        configure(&configured, configuration);
        let parent = Parent::start(folder.path(), Some(&configured), serve);
        let machine = Machine::boot(folder.path(), eif, environment);
        Self { machine, parent, folder }
    }

    /// The image's PCRs are pinned at its address, under the development root of its NSM.
    pub fn pinned(&self, measurements: &Path) -> Person {
        let person = Person::new(&self.folder.path().join("person"));
        self.pin(&person, measurements);
        person
    }

    /// Pins the image at its address for somebody.
    pub fn pin(&self, person: &Person, measurements: &Path) {
        let (root, measurements) = (self.machine.root(), measurements.to_str().unwrap());
        person.ok(&["pin", &self.parent.url, "--measurements", measurements, "--root", root.to_str().unwrap()]);
    }
}

/// A KMS key that is nowhere: an image that attests needs none.
pub const NOWHERE: &str = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000";

/// Writes a configuration and gives the PCR16 that it will be.
pub fn configure(to: &Path, words: &[&str]) -> String {
    let mut command = Command::new(binary("capelet-parent"));
    command.arg("configure").args(words).arg("--to").arg(to);
    let said = output(&mut command);
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

/// The PCRs of a measurements.json.
pub fn measured(folder: &Path) -> Value {
    let json: Value = serde_json::from_slice(&std::fs::read(folder.join("measurements.json")).unwrap()).unwrap();
    json["pcrs"].clone()
}
