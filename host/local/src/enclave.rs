//! The enclave: the core as a process, the development NSM behind a socket, PID 1's part in this process.

use crate::{Error, pid1};
use capelet_dev::nsm::{self, Nsm, Root};
use data_encoding::HEXLOWER;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The port on which the core serves clients.
const CLIENTS: u32 = capelet_parent::ports::CLIENTS;
/// How long a boot may take.
const BOOT: Duration = Duration::from_secs(120);

/// The two programs that make up an enclave here.
pub struct Programs {
    /// The core.
    pub core: PathBuf,
    /// The worker.
    pub worker: PathBuf,
}

/// What the development NSM measures of them.
pub struct Measured {
    measured: nsm::Measured,
    /// PCR0: core and worker.
    pub pcr0: [u8; 48],
    /// The same in hexadecimal.
    pub pcr0_hex: String,
}

impl Measured {
    /// Measures the programs' bytes.
    pub fn of(programs: &Programs) -> Result<Self, Error> {
        let measured = nsm::Measured::of(&programs.core, &programs.worker)?;
        let pcr0 = measured.pcr0;
        Ok(Self { pcr0_hex: HEXLOWER.encode(&pcr0), measured, pcr0 })
    }
}

/// A running enclave; ended when dropped.
pub struct Enclave {
    core: Child,
    supervisor: Option<JoinHandle<()>>,
}

impl Enclave {
    /// Starts NSM and core. `gone` is told when the core ends.
    pub fn start(
        programs: Programs,
        measured: &Measured,
        root: Arc<Root>,
        sockets: &Path,
        kms_root: &Path,
        gone: Sender<Error>,
    ) -> Result<Self, Error> {
        let socket = sockets.join("nsm");
        let listener = UnixListener::bind(&socket).map_err(Error::file(&socket))?;
        let nsm = Arc::new(Nsm::new(root, &measured.measured)?);
        thread::spawn(move || nsm::serve(listener, nsm));

        let (ours, theirs) = pid1::pair().map_err(Error::System)?;
        let core = Command::new(&programs.core)
            .env_clear()
            .current_dir("/")
            .arg("--sockets")
            .arg(sockets)
            .arg("--nsm")
            .arg(&socket)
            .arg("--kms-root")
            .arg(kms_root)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Error::Start(programs.core.clone(), error))?;
        let supervisor = thread::spawn(move || {
            let ended = pid1::supervise(ours, programs.worker);
            let why = ended.err().unwrap_or(Error::Core("its lines above say why"));
            // Whoever no longer listens is ending anyway.
            let _ = gone.send(why);
        });
        Ok(Self { core, supervisor: Some(supervisor) })
    }

    /// Waits until the core listens for clients: it does so last of all.
    pub fn wait_until_serving(&mut self, sockets: &Path) -> Result<(), Error> {
        let socket = sockets.join(CLIENTS.to_string());
        let until = Instant::now() + BOOT;
        while Instant::now() < until {
            if UnixStream::connect(&socket).is_ok() {
                return Ok(());
            }
            if self.core.try_wait().map_err(Error::System)?.is_some() {
                return Err(Error::Core("it did not boot; its lines above say why"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(Error::Core("it did not boot in time"))
    }
}

impl Drop for Enclave {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.core.kill();
        let _ = self.core.wait();
        // It ends the workers, whose core is gone.
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}
