//! A virtual machine that QEMU runs.

use crate::environment::{checkout, named};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit of a boot in an emulator on a busy host. PID 1 and the core each wait one minute for the parent.
const BOOT: Duration = Duration::from_secs(300);

/// A machine that boots an image. Dropping it ends the machine.
pub struct Machine {
    process: Child,
    folder: PathBuf,
    /// The time at which boot.sh was started.
    pub started: Instant,
}

impl Machine {
    /// Boots an image. Its console and its sockets are in `folder`. boot.sh lists them, and its environment variables.
    pub fn boot(folder: &Path, eif: &Path, environment: &[(&str, &str)]) -> Self {
        Self::boot_with(folder, eif, environment, &[])
    }

    /// The same as [`Machine::boot`], with further arguments of QEMU.
    pub fn boot_with(folder: &Path, eif: &Path, environment: &[(&str, &str)], qemu: &[&str]) -> Self {
        if !folder.join("chain").exists() {
            symlink(named("CAPELET_CHAIN"), folder.join("chain")).unwrap();
        }
        let _ = fs::remove_file(folder.join("console"));
        let mut command = Command::new(checkout("dev/qemu/boot.sh"));
        command.arg(folder).arg(eif).args(qemu).envs(environment.iter().copied());
        // QEMU writes many lines when it is ended.
        command.stdin(Stdio::null()).stderr(File::create(folder.join("boot.log")).unwrap());
        let started = Instant::now();
        Self { process: command.spawn().unwrap(), folder: folder.to_owned(), started }
    }

    /// The root certificate of the documents of its NSM.
    pub fn root(&self) -> PathBuf {
        self.folder.join("chain/root.der")
    }

    /// The text on its console so far.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("console")).unwrap_or_default()).into_owned()
    }

    /// The messages of QEMU and of its backend.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("boot.log")).unwrap()
    }

    /// Whether the machine has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits until the console contains this text.
    pub fn wait_for(&mut self, text: &str) {
        while !self.console().contains(text) {
            assert!(
                !self.has_ended(),
                "the machine ended before it printed {text:?}:\n{}\n{}",
                self.console(),
                self.log()
            );
            assert!(self.started.elapsed() < BOOT, "the machine did not print {text:?} in time:\n{}", self.console());
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the core prints that it serves.
    pub fn wait_until_serving(&mut self) {
        self.wait_for("serving");
    }

    /// Waits until the machine ends by itself, and returns the text on its console. It must not serve before.
    pub fn ends_without_serving(&mut self) -> String {
        while !self.has_ended() {
            assert!(self.started.elapsed() < BOOT, "the machine did not end in time:\n{}", self.console());
            assert!(self.connect(5000).is_none(), "the core listens:\n{}", self.console());
            sleep(Duration::from_millis(100));
        }
        let console = self.console();
        assert!(!console.contains("serving"), "{console}");
        console
    }

    /// Ends the machine.
    pub fn end(&mut self) {
        if !self.has_ended() {
            // boot.sh ends QEMU and its backend.
            let _ = Command::new("sh").args(["-c", "kill $0", &self.process.id().to_string()]).status();
            let _ = self.process.wait();
        }
    }

    /// A connection to a port of the guest. `None` if nobody listens there.
    pub fn connect(&self, port: u32) -> Option<UnixStream> {
        let mut stream = UnixStream::connect(self.folder.join("vsock")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("CONNECT {port}\n").as_bytes()).ok()?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).ok()? == 1 {
            answer.push(byte[0]);
            if byte == *b"\n" {
                return answer.starts_with(b"OK ").then_some(stream);
            }
        }
        None
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}
