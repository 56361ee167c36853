//! The platform of an enclave, in memory: a store, a KMS, and a worker that returns its input.

use crate::kms::{self, KmsConnection, KmsMode};
use capelet_abi::WorkerReport;
use enclave_core::attestation::TrustMode;
use enclave_core::crypto::sha256;
use enclave_core::encoding::{SecretVec, Writer};
use enclave_core::parent::{Answer, Credentials, ListEntry, Operation, StoreKey};
use enclave_core::platform::{DocumentPurpose, Job, Platform, Recipient, RunOutcome, RunOutput, WorkError};
use enclave_core::state::{Account, SharedState, reserve};
use enclave_core::{Boot, Configuration, Deployers, Error, Limits, OwnerKey, Pcr, TransportError, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// The time of every attestation document.
pub const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);

/// PCR0 of the enclave.
pub const IMAGE: Pcr = Pcr::new([0xe0; 48]);
/// How much memory sessions may reserve, in bytes, unless a target chooses less.
pub const MEMORY: u64 = 768 << 20;
/// The input limit of an enclave with a configuration, in bytes. Inputs of the fuzzer can exceed it.
const INPUT_LIMIT: u64 = 4096;

/// A platform that does the same for the same input: its random numbers are a counter, hashed.
pub struct FuzzPlatform {
    configuration: Vec<u8>,
    deployers: Option<Vec<u8>>,
    store: Mutex<BTreeMap<StoreKey, Vec<u8>>>,
    kms: KmsMode,
    memory: u64,
    shared: Mutex<SharedState>,
    drawn: AtomicU64,
    started: AtomicU64,
}

impl FuzzPlatform {
    /// Returns a platform whose parent stores these objects. It has no configuration.
    pub fn new(kms: KmsMode, store: BTreeMap<StoreKey, Vec<u8>>) -> Self {
        let (configuration, deployers, drawn, started) = Default::default();
        let (store, shared) = (Mutex::new(store), Mutex::new(SharedState::new(MEMORY)));
        Self { configuration, deployers, store, kms, memory: MEMORY, shared, drawn, started }
    }

    /// Returns the platform with a configuration whose list of deployers contains only `deployer`.
    pub fn with_deployer(self, deployer: OwnerKey) -> Self {
        let list = Deployers::encode(&[0; 32], vec![deployer]);
        let limits = Limits { input: INPUT_LIMIT, ..Limits::MAXIMA };
        let configuration = Configuration { arn: kms::arn(), limits, deployers: Some(sha256(&[&list])) };
        Self { configuration: configuration.encode(), deployers: Some(list), ..self }
    }

    /// Returns the platform with this many bytes of memory for sessions.
    pub fn with_memory(self, bytes: u64) -> Self {
        Self { memory: bytes, shared: Mutex::new(SharedState::new(bytes)), ..self }
    }

    /// Boots an enclave in development mode.
    pub fn boot(&self) -> Boot {
        Boot::fetch(self, TrustMode::Development).expect("the platform answers every request of a boot")
    }

    /// Returns whether the store still has all of these objects, unchanged.
    pub fn still_stores(&self, objects: &BTreeMap<StoreKey, Vec<u8>>) -> bool {
        let store = self.store.lock().expect("one thread");
        objects.iter().all(|(key, bytes)| store.get(key) == Some(bytes))
    }

    /// Returns whether no memory is reserved.
    pub fn all_memory_is_free(&self) -> bool {
        reserve(self, Account::ANYONE, self.memory).is_ok()
    }

    /// Returns how many workers were started.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }
}

/// Returns an unsigned attestation document. The enclave reads only the time from its own documents, and the clients of
/// the targets read only the claims.
fn document(purpose: DocumentPurpose<'_>) -> Vec<u8> {
    let request = purpose.request();
    let bytes = |writer: &mut Writer, bytes: &[u8]| {
        writer.bytes(bytes);
    };
    let mut payload = Writer::new();
    payload.map(9).text("module_id").text("i").text("digest").text("SHA384").text("timestamp").uint(NOW.get());
    payload.text("pcrs").map(0).text("certificate").bytes([0]).text("cabundle").array(0);
    payload.text("public_key").nullable(request.public_key, bytes).text("user_data").bytes(request.user_data);
    payload.text("nonce").nullable(request.nonce, bytes);
    let mut document = Writer::new();
    document.array(4).bytes([0xa1, 0x01, 0x38, 0x22]).map(0).bytes(payload.finish()).bytes([0; 96]);
    document.finish()
}

impl Platform for FuzzPlatform {
    type Crypto = AwsLc;
    type Kms = KmsConnection;

    fn random(&self, out: &mut [u8]) -> Result<(), TransportError> {
        for chunk in out.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&sha256(&[&drawn.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }

    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError> {
        Ok(document(purpose))
    }

    fn image(&self) -> Result<Pcr, TransportError> {
        Ok(IMAGE)
    }

    fn pause(&self) {
        panic!("the only session waits for another one");
    }

    fn elapsed(&self) -> u64 {
        0
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        let mut store = self.store.lock().expect("one thread");
        Ok(match operation {
            Operation::Boot => Answer::Boot(self.configuration.clone(), self.deployers.clone()),
            Operation::Get(key) => store.get(&key).cloned().map_or(Answer::NotFound, Answer::Body),
            Operation::Put(key, _) if store.contains_key(&key) => Answer::Exists,
            Operation::Put(key, bytes) | Operation::Replace(key, bytes) => {
                store.insert(key, bytes.to_vec());
                Answer::Done
            }
            Operation::List { kind, owner, after } => {
                let listed = store.keys().filter(|key| key.kind == kind && key.owner == owner);
                let listed = listed.map(|key| ListEntry { id: key.id, version: key.version });
                Answer::Listed(listed.filter(|entry| after.is_none_or(|after| *entry > after)).collect())
            }
            Operation::Delete(key) => {
                store.remove(&key);
                Answer::Done
            }
            Operation::Credentials(_) => Answer::Credentials(Credentials {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: Zeroizing::new("secret".into()),
                session_token: String::new(),
            }),
        })
    }

    fn kms(&self, _host: &str) -> Result<KmsConnection, TransportError> {
        self.kms.connect()
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError> {
        Ok(Box::new(FixedRecipient))
    }

    /// Runs a job. Every function returns its first input. The input's first byte selects how the job ends.
    fn work(&self, job: &Job<'_>, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        let first = job.input.first();
        if first == Some(&3) {
            return Err(WorkError::NotStarted(Error::BUSY));
        }
        admit().map_err(WorkError::NotStarted)?;
        self.started.fetch_add(1, Ordering::Relaxed);
        let outcome = match first {
            Some(0) => RunOutcome::TimedOut,
            Some(1) => RunOutcome::Died,
            Some(2) => RunOutcome::Reported(WorkerReport::Status(7)),
            Some(4) => return Err(WorkError::Lost(TransportError::Failed)),
            Some(5) => RunOutcome::Reported(WorkerReport::Trapped),
            Some(6) => RunOutcome::Reported(WorkerReport::Memory),
            Some(7) => RunOutcome::Reported(WorkerReport::Fuel),
            Some(8) => RunOutcome::Reported(WorkerReport::Output),
            Some(9) => RunOutcome::Reported(WorkerReport::BadModule),
            Some(10) => RunOutcome::Reported(WorkerReport::BadResult),
            Some(11) => RunOutcome::Killed,
            _ => RunOutcome::Reported(WorkerReport::Completed),
        };
        let (output, diagnostic) = (SecretVec(job.input.to_vec()), Zeroizing::new(b"said".to_vec()));
        Ok(RunOutput { outcome, output, diagnostic })
    }

    fn shared<R>(&self, f: impl FnOnce(&mut SharedState) -> R) -> R {
        f(&mut self.shared.lock().expect("one thread"))
    }
}

/// A recipient that decrypts every message's key to [`kms::CONTENT_KEY`].
struct FixedRecipient;

impl Recipient for FixedRecipient {
    fn public_key(&self) -> &[u8] {
        kms::RECIPIENT
    }

    fn open(self: Box<Self>, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(kms::CONTENT_KEY.to_vec()))
    }
}
