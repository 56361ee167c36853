//! Calls `nitro-cli` and reads its answers (AWS Nitro Enclaves User Guide, "Nitro Enclaves Command Line Interface").
//!
//! An answer is rejected if a member that is used is missing or has another type. Not tested on hardware so far.

use super::image::Image;
use super::printable::Printable;
use capelet_cli::streams;
use capelet_parent::cli::enclave::Run;
use capelet_parent::{Error, parse_json};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::io::{Read, Write, copy};
use std::process::{Command, Stdio};

const PROGRAM: &str = "nitro-cli";
/// The longest answer, in bytes. An instance has at most four enclaves, which take a few kilobytes.
const MAX_ANSWER: u64 = 1 << 20;

/// The program that PATH names.
pub struct NitroCli;

/// An enclave as nitro-cli describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Enclave {
    /// The id, `i-…-enc…`.
    pub id: String,
    cid: u32,
    cpus: u64,
    memory: u64,
    state: String,
    /// Whether it is in debug mode, in which only an image for development is started.
    pub debug: bool,
    /// `None` in versions before 1.1, which do not report it. Such an enclave counts as not matching the measured
    /// image.
    pcr0: Option<String>,
}

impl NitroCli {
    /// The image's path as nitro-cli takes it, which must be UTF-8.
    pub fn check_path(image: &Image) -> Result<&str, Error> {
        image.path.to_str().ok_or(Error::EnclaveArguments("the image's path must be UTF-8"))
    }

    /// Starts an image and compares the running enclave with the measured image. If they differ, terminates it.
    pub fn run(&self, image: &Image, arguments: &Run) -> Result<Enclave, Error> {
        let number = |number: u32| number.to_string();
        let path = Self::check_path(image)?;
        let mut words = vec!["run-enclave".to_owned(), "--eif-path".into(), path.into()];
        words.extend(["--cpu-count".into(), number(arguments.cpus), "--memory".into(), number(arguments.memory)]);
        words.extend(["--enclave-cid".into(), number(arguments.cid)]);
        if arguments.development {
            words.push("--debug-mode".into());
        }
        let answer = self.call(&words).map_err(|error| match error {
            Error::NitroCliRefused => Error::NitroCliRunRefused,
            other => other,
        })?;
        let id = enclave_id(&answer["EnclaveID"]).ok_or(Error::NitroCliAnswer)?;
        let checked = self.check(&id, image, arguments);
        if let Err(error) = &checked {
            // An enclave that failed the check must not stay, whatever the reason.
            let terminated = self.terminate(&id);
            // nitro-cli cannot terminate an enclave that has ended. The error to report is that it has ended.
            if !matches!(error, Error::NitroEnclaveEnded(_)) {
                terminated?;
            }
        }
        checked
    }

    /// The enclave with this id, if it is what was requested. PCR0 is not compared in debug mode, where PCRs are zero.
    fn check(&self, id: &str, image: &Image, arguments: &Run) -> Result<Enclave, Error> {
        let found = self.describe()?.into_iter().find(|enclave| enclave.id == id);
        let found = found.ok_or_else(|| Error::NitroEnclaveEnded(id.into()))?;
        let measured = HEXLOWER.encode(&image.measured.pcr0);
        let same = found.debug || found.pcr0.as_ref() == Some(&measured);
        let asked = found.cid == arguments.cid && found.debug == arguments.development;
        if asked && same { Ok(found) } else { Err(Error::OtherEnclave) }
    }

    /// All enclaves of the instance.
    pub fn describe(&self) -> Result<Vec<Enclave>, Error> {
        let answer = self.call(&["describe-enclaves".into()])?;
        let enclaves = answer.as_array().ok_or(Error::NitroCliAnswer)?;
        enclaves.iter().map(|enclave| Enclave::parse(enclave).ok_or(Error::NitroCliAnswer)).collect()
    }

    /// Terminates an enclave.
    pub fn terminate(&self, id: &str) -> Result<(), Error> {
        let answer = self.call(&["terminate-enclave".into(), "--enclave-id".into(), id.into()])?;
        if enclave_id(&answer["EnclaveID"]).as_deref() != Some(id) || answer["Terminated"] != true {
            return Err(Error::NitroCliAnswer);
        }
        Ok(())
    }

    /// Prints the console of an enclave in debug mode, escaped like the console of QEMU.
    pub fn console(&self, id: &str) -> Result<(), Error> {
        let enclave = self.describe()?.into_iter().find(|enclave| enclave.id == id);
        if !enclave.ok_or_else(|| Error::NoEnclave(id.into()))?.debug {
            return Err(Error::NotDebugMode(id.into()));
        }
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.args(["console", "--enclave-id", id]).stdout(Stdio::piped()).spawn().map_err(missing)?;
        let mut out = Printable::new(streams::Output);
        let copied = child.stdout.take().map_or(Ok(0), |mut console| copy(&mut console, &mut out));
        let copied = copied.and_then(|_| out.flush());
        let status = child.wait().map_err(Error::System)?;
        copied.map_err(Error::Output)?;
        if status.success() { Ok(()) } else { Err(Error::NitroCliRefused) }
    }

    /// Runs nitro-cli and parses its output. Its own messages go to standard error.
    fn call(&self, words: &[String]) -> Result<Value, Error> {
        let mut child =
            Command::new(PROGRAM).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(missing)?;
        let mut answer = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(MAX_ANSWER).read_to_end(&mut answer).map_err(Error::System)?;
        }
        if !child.wait().map_err(Error::System)?.success() {
            return Err(Error::NitroCliRefused);
        }
        parse_json(&answer).ok_or(Error::NitroCliAnswer)
    }
}

impl Enclave {
    fn parse(json: &Value) -> Option<Self> {
        let pcr0 = match json.get("Measurements") {
            None => None,
            Some(measurements) => Some(measurements["PCR0"].as_str()?.to_owned()),
        };
        let debug = match json["Flags"].as_str()? {
            "NONE" => false,
            "DEBUG_MODE" => true,
            _ => return None,
        };
        Some(Self {
            id: enclave_id(&json["EnclaveID"])?,
            cid: json["EnclaveCID"].as_u64().and_then(|cid| u32::try_from(cid).ok())?,
            cpus: json["NumberOfCPUs"].as_u64()?,
            memory: json["MemoryMiB"].as_u64()?,
            state: json["State"].as_str()?.into(),
            debug,
            pcr0,
        })
    }

    /// The members that `describe` prints.
    pub fn members(&self) -> Value {
        json!({
            "enclave_id": self.id, "running": self.state == "RUNNING", "transport": format!("vsock:{}", self.cid),
            "pcr0": self.pcr0, "debug": self.debug, "cid": self.cid, "cpus": self.cpus, "memory_mib": self.memory,
        })
    }
}

/// Accepts only `i-<hex>-enc<hex>`, which cannot be read as an option.
fn enclave_id(json: &Value) -> Option<String> {
    let id = json.as_str()?;
    let (instance, enclave) = id.strip_prefix("i-")?.split_once("-enc")?;
    let hexadecimal = |text: &str| {
        (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (hexadecimal(instance) && hexadecimal(enclave)).then(|| id.into())
}

fn missing(source: std::io::Error) -> Error {
    Error::Program { path: PROGRAM.into(), source }
}
