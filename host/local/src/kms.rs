//! The development KMS: a process with one key for each PCR0. The key's policy names that PCR0.

use crate::enclave::Measured;
use crate::home::{self, Home};
use crate::{Error, programs};
use capelet_cli::private_file::CHANGED_BY_OTHERS;
use capelet_dev::kms::{ADMINISTRATOR, Client, sealed_policy};
use capelet_parent::{Links, parse_json, read_private};
use enclave_core::encoding::hex;
use enclave_core::kms::Arn;
use serde_json::json;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The region in the keys' ARNs and in the name of the KMS endpoint.
const REGION: &str = "eu-central-1";

/// The longest file and the longest line that are read here, in bytes.
const MAX_FILE: usize = 16_384;

/// The running KMS. Dropping it ends the process.
pub struct Kms {
    process: Child,
    /// The address on which it listens: `unix:PATH`.
    pub address: String,
    /// The file with the root of its TLS certificate.
    pub root: PathBuf,
}

impl Kms {
    /// Starts the KMS and waits until it listens.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Start`] if the program cannot start, [`Error::Kms`] if it does not announce
    /// itself, [`Error::File`] if its folder cannot be created.
    pub fn start(home: &Home, sockets: &Path, nsm_root: &Path) -> Result<Self, Error> {
        let program = programs::find("capelet-dev-kms")?;
        let listen = format!("unix:{}", sockets.join("kms").display());
        let mut process = Command::new(&program)
            .args(["--listen", &listen])
            .arg("--state")
            .arg(home.folder("kms")?)
            .arg("--nsm-root")
            .arg(nsm_root)
            // The KMS ends when its standard input closes, which happens however this process ends.
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

    /// The ARN of the key for this PCR0. Creates the key at its first use. Nobody may change its policy.
    ///
    /// # Errors
    /// [`Error::Dev`] if the KMS refuses, [`Error::Kms`] if it returns no valid ARN, [`Error::File`] if a file cannot
    /// be read or written.
    pub fn key(&self, home: &Home, measured: &Measured) -> Result<Arn, Error> {
        let parse = |arn: &str| Arn::parse(arn).map_err(|_| Error::Kms("created a key with an invalid ARN"));
        let name = home.folder("keys")?.join(hex(measured.pcr0.as_bytes()));
        let private = |path: &Path| read_private(path, MAX_FILE, Links::Refuse, CHANGED_BY_OTHERS);
        match private(&name) {
            Ok(arn) => return parse(&String::from_utf8_lossy(&arn)),
            Err(capelet_parent::Error::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let root = private(&self.root)?;
        let client = Client::new(&self.address.parse()?, &root, REGION, &ADMINISTRATOR)?;
        let policy = sealed_policy(measured.pcr0.as_bytes());
        let created = client.call("CreateKey", &json!({ "Policy": policy, "BypassPolicyLockoutSafetyCheck": true }))?;
        let arn = created["KeyMetadata"]["Arn"].as_str().ok_or(Error::Kms("created a key without an ARN"))?;
        let arn = parse(arn)?;
        home::write(&name, arn.text().as_bytes())?;
        Ok(arn)
    }
}

/// Reads the line with which the KMS announces that it listens. Returns the path of its root.
fn ready(process: &mut Child) -> Result<PathBuf, Error> {
    let out = process.stdout.take().ok_or(Error::Kms("has no output"))?;
    let mut line = String::new();
    BufReader::new(out.take(MAX_FILE as u64)).read_line(&mut line).map_err(Error::System)?;
    let ready = parse_json(line.as_bytes()).ok_or(Error::Kms("did not start"))?;
    ready["root"].as_str().map(PathBuf::from).ok_or(Error::Kms("did not state the path of its root"))
}

impl Drop for Kms {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
