//! The development KMS: a process of its own, and in it one key for each PCR0, with a policy that names it.

use crate::enclave::Measured;
use crate::home::{self, Home};
use crate::{Error, programs};
use capelet_dev::kms::{ADMINISTRATOR, Client, sealed_policy};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the keys' ARNs begin, and for which endpoint its certificate is asked.
const REGION: &str = "eu-central-1";

/// The running KMS; ended when dropped.
pub struct Kms {
    process: Child,
    /// Where it listens: `unix:PATH`.
    pub address: String,
    /// The root under which its certificate lies, as a file.
    pub root: PathBuf,
}

impl Kms {
    /// Starts it and waits until it listens.
    pub fn start(home: &Home, sockets: &Path, nsm_root: &Path) -> Result<Self, Error> {
        let program = programs::beside("capelet-dev-kms")?;
        let listen = format!("unix:{}", sockets.join("kms").display());
        let mut process = Command::new(&program)
            .args(["--listen", &listen])
            .arg("--state")
            .arg(home.folder("kms")?)
            .arg("--nsm-root")
            .arg(nsm_root)
            // However this process ends, its standard input ends with it, and so does the KMS.
            .arg("--until-eof")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Error::Start(program, error))?;
        let ready = ready(&mut process);
        let mut kms = Self { process, address: listen, root: PathBuf::new() };
        kms.root = ready?;
        Ok(kms)
    }

    /// The ARN of the key for the image with this PCR0, made at first use. Nobody may change its policy.
    pub fn key(&self, home: &Home, measured: &Measured) -> Result<String, Error> {
        let name = home.folder("keys")?.join(&measured.pcr0_hex);
        if let Ok(arn) = fs::read_to_string(&name) {
            return Ok(arn);
        }
        let root = fs::read(&self.root).map_err(Error::file(&self.root))?;
        let client = Client::new(&self.address.parse()?, &root, REGION, &ADMINISTRATOR)?;
        let policy = sealed_policy(&measured.pcr0);
        let made = client.call("CreateKey", &json!({ "Policy": policy, "BypassPolicyLockoutSafetyCheck": true }))?;
        let arn = made["KeyMetadata"]["Arn"].as_str().ok_or(Error::Kms("made a key without an ARN"))?;
        home::write(&name, arn.as_bytes())?;
        Ok(arn.to_owned())
    }
}

/// Waits for the line that says where the root is.
fn ready(process: &mut Child) -> Result<PathBuf, Error> {
    let out = process.stdout.take().ok_or(Error::Kms("has no output"))?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).map_err(Error::System)?;
    let ready: Value = serde_json::from_str(&line).map_err(|_| Error::Kms("did not start"))?;
    ready["root"].as_str().map(PathBuf::from).ok_or(Error::Kms("did not say where its root is"))
}

impl Drop for Kms {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
