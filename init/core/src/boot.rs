//! From the first line to the first client: configuration, measured and locked, then keys, then the listener.

use crate::kms::Roots;
use crate::nsm::{self, Nsm};
use crate::platform::Drivers;
use crate::recipient::Stock;
use crate::serve;
use crate::tls;
use crate::transport::{CLIENTS, Transport};
use crate::worker::Workers;
use enclave_core::boot::Boot;
use enclave_core::claims::Regime;
use enclave_core::error::{Down, Error};
use enclave_core::{config, digest, shared};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How often old data keys are looked for.
const FORGETTING: Duration = Duration::from_secs(10);

/// An attempt to fetch the configuration that fails later than this after the first one began is the last, because the
/// parent may be busy. One attempt is bounded by the connection's and the operation's own limits.
const FETCHING: Duration = Duration::from_secs(60);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// What a binary's `main` decides.
pub struct Settings {
    /// The NSM.
    pub nsm: Box<dyn Nsm>,
    /// Where the parent is.
    pub transport: Transport,
    /// The socket to PID 1.
    pub pid1: OwnedFd,
    /// Roots of KMS' certificate, in DER.
    pub kms_roots: Vec<Vec<u8>>,
    /// Whether an enclave without configuration may be.
    pub regime: Regime,
}

/// Which step of the boot failed. Any of them ends the enclave.
#[non_exhaustive]
#[derive(Debug)]
pub enum Failure {
    /// A root of KMS is not a certificate.
    KmsRoots,
    /// Threads, keys or descriptors could not be had.
    Start(Down),
    /// The parent gave no configuration, or one that is not of its form.
    Configuration(Error),
    /// PCR16 could not be extended, locked, or read back as expected.
    Measure,
    /// The port for clients could not be opened.
    Listen(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KmsRoots => f.write_str("a root certificate for KMS is none"),
            Self::Start(down) => write!(f, "cannot start: {down:?}"),
            Self::Configuration(error) => write!(f, "configuration: {error}"),
            Self::Measure => f.write_str("PCR16 is not as expected after extending and locking"),
            Self::Listen(error) => write!(f, "cannot listen: {error}"),
        }
    }
}

/// Starts the thread that lets no data key grow much older than it may, though nobody asks for anything.
fn forget_in_time(drivers: Arc<Drivers>) -> io::Result<()> {
    let forget = move || {
        loop {
            thread::sleep(FORGETTING);
            shared::forget(drivers.as_ref());
        }
    };
    thread::Builder::new().name("forgetting".into()).spawn(forget).map(drop)
}

/// Fetches the configuration. A parent that cannot be reached or does not answer in time is asked again for
/// [`FETCHING`]; an answer that is refused is final.
fn fetch(drivers: &Drivers, regime: Regime) -> Result<Boot, Error> {
    let start = Instant::now();
    loop {
        match Boot::fetch(drivers, regime) {
            Err(Error::Down(Down::Unreachable | Down::Deadline | Down::Closed)) if start.elapsed() < FETCHING => {
                thread::sleep(PAUSE)
            }
            fetched => return fetched,
        }
    }
}

/// Boots and serves; returns only if the boot fails.
pub fn run(settings: Settings) -> Result<(), Failure> {
    let roots = Roots::new(settings.kms_roots.iter().map(Vec::as_slice)).map_err(|_| Failure::KmsRoots)?;
    let drivers = Drivers {
        nsm: settings.nsm,
        transport: settings.transport,
        roots,
        recipients: Stock::start().map_err(Failure::Start)?,
        workers: Workers::start(settings.pid1).map_err(Failure::Start)?,
        shared: Mutex::default(),
        started: Instant::now(),
    };
    let boot = fetch(&drivers, settings.regime).map_err(Failure::Configuration)?;
    let measured = digest::sha384(&[&boot.configuration]);
    let expected = config::pcr16(&boot.configuration);
    nsm::measure(drivers.nsm.as_ref(), &measured, &expected).map_err(|_| Failure::Measure)?;
    let tls = tls::server().map_err(Failure::Start)?;
    let listener = drivers.transport.listen(CLIENTS).map_err(Failure::Listen)?;
    let drivers = Arc::new(drivers);
    forget_in_time(drivers.clone()).map_err(|_| Failure::Start(Down::Failed))?;
    eprintln!("capelet-core: serving");
    serve::serve(&drivers, &Arc::new(boot), &tls, &listener);
    Ok(())
}
