//! Helpers of the tests: programs to measure, an NSM, the program `openssl`.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod kms;

use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Request, Response};
use capelet_dev::Clock;
use capelet_dev::nsm::{Measured, Nsm, Root};
use minicbor::Decoder;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The services around one enclave: two programs, a root, a module, and the clock of that module.
pub struct Enclave {
    pub clock: Clock,
    pub directory: TempDir,
    pub root: Arc<Root>,
    pub measured: Measured,
    pub nsm: Arc<Nsm>,
}

impl Enclave {
    pub fn boot() -> Self {
        Self::boot_with(b"the core's code", b"the worker's code")
    }

    /// An enclave whose clock stands still at a whole second. A test of an age limit uses it, because on a busy host
    /// time passes between two steps.
    pub fn frozen() -> Self {
        let clock = Clock::Told(Arc::new(AtomicU64::new(now() / 1000 * 1000)));
        let enclave = Self::boot();
        let nsm = Arc::new(Nsm::with_clock(enclave.root.clone(), &enclave.measured, clock.clone()).unwrap());
        Self { clock, nsm, ..enclave }
    }

    /// The time of its clock, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock.now().unwrap()
    }

    pub fn boot_with(core: &[u8], worker: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("core"), core).unwrap();
        fs::write(directory.path().join("worker"), worker).unwrap();
        let root = Root::load_or_make(&directory.path().join("root")).unwrap();
        let measured = Measured::of(&directory.path().join("core"), &directory.path().join("worker")).unwrap();
        let nsm = Arc::new(Nsm::new(root.clone(), &measured).unwrap());
        Self { clock: Clock::Machine, directory, root, measured, nsm }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn ask(&self, request: &Request) -> Response {
        ask(&self.nsm, request)
    }

    pub fn document(&self, public_key: Option<Vec<u8>>, nonce: Option<Vec<u8>>) -> Vec<u8> {
        let (user_data, nonce, public_key) = (None, nonce.map(Into::into), public_key.map(Into::into));
        match self.ask(&Request::Attestation { user_data, nonce, public_key }) {
            Response::Attestation { document } => document,
            other => panic!("{other:?}"),
        }
    }
}

pub fn ask(nsm: &Nsm, request: &Request) -> Response {
    serde_cbor::from_slice(&nsm.answer(&serde_cbor::to_vec(request).unwrap())).unwrap()
}

/// The payload and the signature of a document.
pub fn parts(document: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut decoder = Decoder::new(document);
    assert_eq!(decoder.array().unwrap(), Some(4));
    assert_eq!(decoder.bytes().unwrap(), [0xa1, 0x01, 0x38, 0x22]);
    assert_eq!(decoder.map().unwrap(), Some(0));
    let parts = (decoder.bytes().unwrap().to_vec(), decoder.bytes().unwrap().to_vec());
    assert_eq!(decoder.position(), document.len());
    parts
}

pub fn payload(document: &[u8]) -> AttestationDoc {
    AttestationDoc::from_binary(&parts(document).0).unwrap()
}

pub fn vector(folder: &str, name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(folder).join(name)).unwrap()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Runs `openssl` and returns its output. The error is its text on standard error.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// SHA-384, computed by `openssl`.
pub fn sha384(bytes: &[u8]) -> Vec<u8> {
    openssl(&["dgst", "-sha384", "-binary"], bytes).unwrap()
}

/// The value of a register after an extension: SHA-384(before ‖ data).
pub fn extend(before: &[u8], data: &[u8]) -> Vec<u8> {
    sha384(&[before, data].concat())
}
