//! The development KMS, with the TLS root that the development image trusts.

use crate::enclave::Enclave;
use crate::environment::named;
use capelet_dev::kms::{ADMINISTRATOR, Client, PARENT, sealed_policy};
use capelet_e2e::binary;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running development KMS. Dropping it ends the process.
pub struct Kms {
    process: Child,
    folder: tempfile::TempDir,
    /// The address at which it listens.
    pub address: String,
    root: PathBuf,
}

impl Kms {
    /// Starts a KMS with the TLS root that the development image trusts, and without keys. It accepts documents under
    /// QEMU's development root.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("kms").tempdir().unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        for file in ["kms-root.der", "kms-root.key"] {
            fs::copy(named("CAPELET_KMS").join(file), state.join(file)).unwrap();
        }
        let address = format!("unix:{}", folder.path().join("socket").display());
        let mut process = Command::new(binary("capelet-dev-kms"))
            .args(["--listen", &address, "--until-eof", "--state"])
            .arg(&state)
            .arg("--nsm-root")
            .arg(named("CAPELET_CHAIN").join("root.der"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let root = ready["root"].as_str().unwrap().into();
        Self { process, folder, address, root }
    }

    /// The ARN of a new key that only an image with this PCR0 can use.
    pub fn key(&self, pcr0: &Value) -> String {
        let root = fs::read(&self.root).unwrap();
        let client = Client::new(&self.address.parse().unwrap(), &root, "eu-central-1", &ADMINISTRATOR).unwrap();
        let pcr0 = HEXLOWER.decode(pcr0.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap();
        let request = json!({ "Policy": sealed_policy(&pcr0), "BypassPolicyLockoutSafetyCheck": true });
        client.call("CreateKey", &request).unwrap()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// Writes the parent's credentials to a file, and returns its path.
    pub fn credentials(&self) -> PathBuf {
        let path = self.folder.path().join("credentials");
        fs::write(&path, PARENT.credentials()).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// Starts an image with this KMS, this key, and further arguments of `capelet-parent configure`.
    pub fn enclave(&self, image: &Path, key: &str, configuration: &[&str]) -> Enclave {
        self.enclave_on(image, key, configuration, &[], &[])
    }

    /// The same as [`Kms::enclave`], with variables for boot.sh and further arguments of QEMU.
    pub fn enclave_on(
        &self,
        image: &Path,
        key: &str,
        configuration: &[&str],
        environment: &[(&str, &str)],
        qemu: &[&str],
    ) -> Enclave {
        let credentials = self.credentials();
        let serve = ["--kms", &self.address, "--credentials", credentials.to_str().unwrap()];
        let configuration = [&["--key", key], configuration].concat();
        let image = image.join("capelet.eif");
        let mut enclave = Enclave::boot_with(&image, &configuration, &serve, environment, qemu);
        enclave.machine.wait_until_serving();
        enclave
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
