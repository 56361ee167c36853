//! From the start of the process to the first client: the configuration is fetched, measured and locked; then keys are
//! made; then the port for clients opens.

use crate::enclave_platform::EnclavePlatform;
use crate::key_pool::KeyPool;
use crate::kms_connection::Roots;
use crate::note::note;
use crate::nsm::{self, Nsm};
use crate::serve;
use crate::tls;
use crate::transport::Transport;
use crate::workers::Workers;
use capelet_abi::{CLIENT_PORT, worker_memory};
use enclave_core::attestation::TrustMode;
use enclave_core::crypto::sha384;
use enclave_core::state::{SharedState, forget_old_data_keys, memory_budget};
use enclave_core::{Boot, Error, TransportError, pcr16};
use nix::sys::sysinfo::sysinfo;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How often old data keys are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(10);
/// An attempt to fetch the configuration that fails later than this after the first one began is the last, because the
/// parent may be busy. One attempt is bounded by the connection's and the operation's own limits.
const FETCH_FOR: Duration = Duration::from_secs(60);
/// The pause between two attempts.
const FETCH_PAUSE: Duration = Duration::from_secs(1);

/// What a binary's `main` decides.
pub struct Settings {
    /// The NSM.
    pub nsm: Box<dyn Nsm>,
    /// How to reach the parent.
    pub transport: Transport,
    /// The socket to PID 1.
    pub pid1: OwnedFd,
    /// The roots of KMS's certificate, in DER.
    pub kms_roots: Vec<Vec<u8>>,
    /// Which root signs this enclave's documents. Only a development root allows an enclave without configuration.
    pub mode: TrustMode,
}

/// The step of the boot that failed. Each of them ends the enclave.
#[non_exhaustive]
#[derive(Debug)]
pub enum BootError {
    /// A KMS root is not a valid certificate, or none was given.
    KmsRoots,
    /// Threads, keys or descriptors could not be made.
    Start(TransportError),
    /// The parent gave no configuration, or an invalid one.
    Configuration(Error),
    /// One owner may reserve so many MiB, and one run with the configuration's limits needs so many.
    Memory(u64, u64),
    /// PCR16 could not be extended, locked, or read back as expected.
    Measure,
    /// The port for clients could not be opened.
    Listen(io::Error),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KmsRoots => f.write_str("invalid KMS root certificate"),
            Self::Start(error) => write!(f, "cannot start: {}", Error::Transport(*error)),
            Self::Configuration(error) => write!(f, "configuration: {error}"),
            Self::Memory(there, needed) => {
                write!(f, "a run needs {needed} MiB of memory, and {there} are there: lower the limits or give more")
            }
            Self::Measure => f.write_str("PCR16 is not as expected after extending and locking"),
            Self::Listen(error) => write!(f, "cannot listen on port {CLIENT_PORT}: {error}"),
        }
    }
}

/// Starts the thread that forgets old data keys, also when no request arrives.
fn start_forgetting(platform: Arc<EnclavePlatform>) -> io::Result<()> {
    let forget = move || {
        loop {
            thread::sleep(FORGET_EVERY);
            forget_old_data_keys(platform.as_ref());
        }
    };
    thread::Builder::new().name("forget".into()).spawn(forget).map(drop)
}

/// Fetches the configuration. A parent that cannot be reached or does not answer in time is asked again for
/// [`FETCH_FOR`]; an answer that is refused is final.
fn fetch(platform: &EnclavePlatform, mode: TrustMode) -> Result<Boot, Error> {
    let start = Instant::now();
    loop {
        match Boot::fetch(platform, mode) {
            Err(Error::Transport(TransportError::Unreachable | TransportError::TimedOut | TransportError::Closed))
                if start.elapsed() < FETCH_FOR =>
            {
                thread::sleep(FETCH_PAUSE)
            }
            fetched => return fetched,
        }
    }
}

/// Boots and serves clients. It returns only if the boot fails.
///
/// # Errors
/// The step that failed.
pub fn run(settings: Settings) -> Result<(), BootError> {
    let total = sysinfo().map_err(|_| BootError::Start(TransportError::Failed))?.ram_total();
    let budget = memory_budget(total);
    let roots = Roots::new(settings.kms_roots.iter().map(Vec::as_slice)).map_err(|_| BootError::KmsRoots)?;
    let platform = EnclavePlatform {
        nsm: settings.nsm,
        transport: settings.transport,
        roots,
        keys: KeyPool::start().map_err(BootError::Start)?,
        workers: Workers::start(settings.pid1).map_err(BootError::Start)?,
        shared: Mutex::new(SharedState::new(budget)),
        started: Instant::now(),
    };
    let boot = fetch(&platform, settings.mode).map_err(BootError::Configuration)?;
    let run = worker_memory(boot.limits.memory, 0, 0).saturating_add(boot.limits.output);
    // Where a list divides the memory, one owner can always have half of it.
    let one_owners = if boot.deployers.is_some() { budget / 2 } else { budget };
    if run > one_owners {
        return Err(BootError::Memory(one_owners >> 20, run.div_ceil(1 << 20)));
    }
    note(&format!("capelet-core: sessions may reserve {} of {} MiB of memory", budget >> 20, total >> 20));
    let digest = sha384(&[&boot.configuration]);
    let expected = pcr16(&boot.configuration);
    nsm::measure(platform.nsm.as_ref(), &digest, &expected).map_err(|_| BootError::Measure)?;
    let tls = tls::server_config().map_err(BootError::Start)?;
    let listener = platform.transport.listen(CLIENT_PORT).map_err(BootError::Listen)?;
    let platform = Arc::new(platform);
    start_forgetting(platform.clone()).map_err(|_| BootError::Start(TransportError::Failed))?;
    note("capelet-core: serving");
    serve::serve(&platform, &Arc::new(boot), &tls, &listener);
    Ok(())
}
