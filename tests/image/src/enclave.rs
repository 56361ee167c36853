//! A running image: a machine, and the parent beside it.

use crate::environment::output;
use crate::machine::Machine;
use crate::parent::Parent;
use capelet_e2e::{Person, binary};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The ARN of a KMS key that does not exist. An image that only attests needs no key.
pub const NOWHERE: &str = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000";

/// A running image: its machine, its parent, and the folder of both.
pub struct Enclave {
    /// The machine.
    pub machine: Machine,
    /// The parent.
    pub parent: Parent,
    /// The folder, in which a test may write other files.
    pub folder: TempDir,
}

impl Enclave {
    /// Boots an image beside a parent, and waits until the core serves.
    ///
    /// `configuration` are the arguments of `capelet-parent configure`, `serve` those of `capelet-parent serve`, and
    /// `environment` are variables for boot.sh.
    pub fn start(eif: &Path, configuration: &[&str], serve: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut enclave = Self::boot(eif, configuration, serve, environment);
        enclave.machine.wait_until_serving();
        enclave
    }

    /// The same as [`Enclave::start`], but does not wait. The core may never serve.
    pub fn boot(eif: &Path, configuration: &[&str], serve: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::boot_with(eif, configuration, serve, environment, &[])
    }

    /// The same as [`Enclave::boot`], with further arguments of QEMU.
    pub fn boot_with(
        eif: &Path,
        configuration: &[&str],
        serve: &[&str],
        environment: &[(&str, &str)],
        qemu: &[&str],
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("image").tempdir().unwrap();
        let configured = folder.path().join("configuration");
        configure(&configured, configuration);
        let parent = Parent::start(folder.path(), Some(&configured), serve);
        let machine = Machine::boot_with(folder.path(), eif, environment, qemu);
        Self { machine, parent, folder }
    }

    /// A new person who has pinned this image's measurements and the development root of its NSM.
    pub fn pinned(&self, measurements: &Path) -> Person {
        let person = Person::new(&self.folder.path().join("person"));
        self.pin(&person, measurements);
        person
    }

    /// Pins these measurements for the enclave's address, for this person.
    pub fn pin(&self, person: &Person, measurements: &Path) {
        let (root, measurements) = (self.machine.root(), measurements.to_str().unwrap());
        person.ok(&["pin", &self.parent.url, "--measurements", measurements, "--root", root.to_str().unwrap()]);
    }
}

/// Writes a configuration, and returns the PCR16 that it will give.
pub fn configure(to: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(binary("capelet-parent"));
    command.arg("configure").args(arguments).arg("--to").arg(to);
    let printed = output(&mut command);
    printed.trim().rsplit(' ').next().unwrap().to_owned()
}
