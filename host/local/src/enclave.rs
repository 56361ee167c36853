//! The enclave: the core as a process, the development NSM behind a socket, and PID 1's part in this process.

use crate::{Error, supervisor};
use capelet_abi::CLIENT_PORT;
use capelet_dev::nsm::{self, Nsm, Root};
use capelet_parent::connect_unix;
use enclave_core::Pcr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the core may take to boot.
const BOOT: Duration = Duration::from_secs(120);

/// The two programs of an enclave.
pub struct Programs {
    /// The core.
    pub core: PathBuf,
    /// The worker.
    pub worker: PathBuf,
}

/// The development NSM's measurement of the programs.
pub struct Measured {
    measured: nsm::Measured,
    /// PCR0, which measures core and worker.
    pub pcr0: Pcr,
}

impl Measured {
    /// Measures the programs' bytes.
    ///
    /// # Errors
    /// [`Error::Dev`] if a program cannot be read.
    pub fn of(programs: &Programs) -> Result<Self, Error> {
        let measured = nsm::Measured::of(&programs.core, &programs.worker)?;
        Ok(Self { pcr0: Pcr::new(measured.pcr0), measured })
    }
}

/// A running enclave. Dropping it ends the core and the workers.
pub struct Enclave {
    core: Child,
    supervisor: Option<JoinHandle<()>>,
}

impl Enclave {
    /// Starts the NSM and the core. When the core ends, `ended` receives the reason.
    ///
    /// # Errors
    /// [`Error::File`] if the NSM's socket cannot be bound, [`Error::Dev`] if the NSM cannot start, [`Error::Start`] if
    /// the core cannot start, [`Error::System`] if no socketpair can be created.
    pub fn start(
        programs: Programs,
        measured: &Measured,
        root: Arc<Root>,
        sockets: &Path,
        kms_root: &Path,
        ended: Sender<Error>,
    ) -> Result<Self, Error> {
        let socket = sockets.join("nsm");
        let listener = UnixListener::bind(&socket).map_err(Error::file(&socket))?;
        let nsm = Arc::new(Nsm::new(root, &measured.measured)?);
        thread::spawn(move || nsm::serve(listener, nsm));

        let (ours, theirs) = supervisor::socket_pair().map_err(Error::System)?;
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
            let result = supervisor::supervise(ours, programs.worker);
            let why = result.err().unwrap_or(Error::Core("ended; its lines above have the reason"));
            // Nobody receives it if this process is already ending.
            let _ = ended.send(why);
        });
        Ok(Self { core, supervisor: Some(supervisor) })
    }

    /// Waits until the core listens for clients, which is the last step of its boot.
    ///
    /// # Errors
    /// [`Error::Core`] if the core ends, or does not boot within [`BOOT`].
    pub fn wait_until_serving(&mut self, sockets: &Path) -> Result<(), Error> {
        let socket = sockets.join(CLIENT_PORT.to_string());
        let until = Instant::now() + BOOT;
        while Instant::now() < until {
            // With a limit: a core that does not accept has a queue that fills, and connecting would then never return.
            if connect_unix(&socket, Duration::from_secs(1)).is_ok() {
                return Ok(());
            }
            if self.core.try_wait().map_err(Error::System)?.is_some() {
                return Err(Error::Core("ended during its boot; its lines above have the reason"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(Error::Core("did not boot in time; its lines above may have the reason"))
    }
}

impl Drop for Enclave {
    fn drop(&mut self) {
        // The core may have ended already.
        let _ = self.core.kill();
        let _ = self.core.wait();
        // The supervisor kills the workers of a core that has ended.
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}
