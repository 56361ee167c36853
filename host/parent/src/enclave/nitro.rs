//! `nitro-cli` (AWS Nitro Enclaves User Guide, "Nitro Enclaves Command Line Interface"): its command lines, and its
//! answers, of which every member that is used must be there and of its type. Untried on hardware so far.

use super::cli::Run;
use super::image::Image;
use super::printable::Printable;
use capelet_parent::Error;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::io::{Read, Write, copy, stdout};
use std::process::{Command, Stdio};

const PROGRAM: &str = "nitro-cli";
/// The longest answer, in bytes: four enclaves of an instance take some kilobytes.
const MAX_ANSWER: u64 = 1 << 20;

/// The program, as it is found in PATH.
pub struct NitroCli;

/// One of its enclaves.
#[derive(Debug, PartialEq, Eq)]
pub struct Enclave {
    /// Its id: `i-…-enc…`.
    pub id: String,
    cid: u32,
    cpus: u64,
    memory: u64,
    state: String,
    debug: bool,
    /// PCR0, which versions before 1.1 do not tell: such a one is not taken for what was measured.
    pcr0: Option<String>,
}

impl NitroCli {
    /// Starts an image. What runs is compared with what was measured; if it is another, it is ended.
    pub fn run(&self, image: &Image, arguments: &Run) -> Result<Enclave, Error> {
        let number = |number: u32| number.to_string();
        let path = image.path.to_str().ok_or(Error::EnclaveArguments("the image's path must be UTF-8"))?;
        let mut words = vec!["run-enclave".to_owned(), "--eif-path".into(), path.into()];
        words.extend(["--cpu-count".into(), number(arguments.cpus), "--memory".into(), number(arguments.memory)]);
        words.extend(["--enclave-cid".into(), number(arguments.cid)]);
        if arguments.development {
            words.push("--debug-mode".into());
        }
        let answer = self.ask(&words).map_err(|error| match error {
            Error::NitroCliRefused => Error::NitroCliRunRefused,
            other => other,
        })?;
        let id = enclave_id(&answer["EnclaveID"]).ok_or(Error::NitroCliAnswer)?;
        let checked = self.check(&id, image, arguments);
        if let Err(error) = &checked {
            // Whatever is the matter with it, it does not stay.
            let terminated = self.terminate(&id);
            // nitro-cli cannot terminate an enclave that has ended, and that it has ended is the error to report.
            if !matches!(error, Error::NitroEnclaveEnded(_)) {
                terminated?;
            }
        }
        checked
    }

    /// The enclave of this id, if it is what was asked for. In debug mode its PCRs are zero.
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
        let answer = self.ask(&["describe-enclaves".into()])?;
        let enclaves = answer.as_array().ok_or(Error::NitroCliAnswer)?;
        enclaves.iter().map(|enclave| Enclave::parse(enclave).ok_or(Error::NitroCliAnswer)).collect()
    }

    /// Ends one.
    pub fn terminate(&self, id: &str) -> Result<(), Error> {
        let answer = self.ask(&["terminate-enclave".into(), "--enclave-id".into(), id.into()])?;
        if enclave_id(&answer["EnclaveID"]).as_deref() != Some(id) || answer["Terminated"] != true {
            return Err(Error::NitroCliAnswer);
        }
        Ok(())
    }

    /// Shows the console of one in debug mode, escaped like that of a machine of QEMU's.
    pub fn console(&self, id: &str) -> Result<(), Error> {
        let enclave = self.describe()?.into_iter().find(|enclave| enclave.id == id);
        if !enclave.ok_or_else(|| Error::NoEnclave(id.into()))?.debug {
            return Err(Error::NotDebugMode(id.into()));
        }
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.args(["console", "--enclave-id", id]).stdout(Stdio::piped()).spawn().map_err(missing)?;
        let mut out = Printable::new(stdout());
        let copied = child.stdout.take().map_or(Ok(0), |mut console| copy(&mut console, &mut out));
        let copied = copied.and_then(|_| out.flush());
        let status = child.wait().map_err(Error::System)?;
        copied.map_err(Error::System)?;
        if status.success() { Ok(()) } else { Err(Error::NitroCliRefused) }
    }

    /// Runs it; its own messages go to standard error.
    fn ask(&self, words: &[String]) -> Result<Value, Error> {
        let mut child =
            Command::new(PROGRAM).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(missing)?;
        let mut answer = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(MAX_ANSWER).read_to_end(&mut answer).map_err(Error::System)?;
        }
        if !child.wait().map_err(Error::System)?.success() {
            return Err(Error::NitroCliRefused);
        }
        serde_json::from_slice(&answer).map_err(|_| Error::NitroCliAnswer)
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

    /// As `describe` prints it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id, "running": self.state == "RUNNING", "transport": format!("vsock:{}", self.cid),
            "pcr0": self.pcr0, "debug": self.debug, "cid": self.cid, "cpus": self.cpus, "memory_mib": self.memory,
        })
    }
}

/// `i-<hex>-enc<hex>`, and no text that could be read as an option.
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
