//! A process that was started for an enclave. The kernel reuses process ids. An id together with the time of the start
//! names one process until the machine restarts, and a descriptor (pidfd_open(2)) keeps referring to that process.

use capelet_parent::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long a process has to end after SIGTERM before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// A process that may have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its name, for people.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine's start (proc_pid_stat(5), field 22).
    pub start: u64,
}

/// A descriptor of a process that was alive when the descriptor was made. Its id cannot come to mean another process.
pub struct Living(OwnedFd);

impl Process {
    /// Describes a process whose id cannot have been reused: a child that was not waited for, or this process.
    pub fn new(name: &str, pid: u32) -> Result<Self, Error> {
        let start = start(pid).ok_or_else(|| Error::System(Errno::SRCH.into()))?;
        Ok(Self { name: name.into(), pid, start })
    }

    /// The process, if it is still alive.
    pub fn living(&self) -> Result<Option<Living>, Error> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let living = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Living(descriptor),
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(Error::System(error.into())),
        };
        // The start is compared after the descriptor was opened. If the id was reused before that, the start differs.
        let same = start(self.pid) == Some(self.start) && !living.ends_within(Duration::ZERO)?;
        Ok(same.then_some(living))
    }
}

impl Living {
    /// Sends SIGTERM, then SIGKILL if the process does not end within [`GRACE`].
    pub fn end(&self) -> Result<(), Error> {
        for signal in [Signal::TERM, Signal::KILL] {
            match pidfd_send_signal(&self.0, signal) {
                Ok(()) if self.ends_within(GRACE)? => return Ok(()),
                Ok(()) => {}
                Err(Errno::SRCH) => return Ok(()),
                Err(error) => return Err(Error::System(error.into())),
            }
        }
        Err(Error::System(Errno::TIMEDOUT.into()))
    }

    /// Sends SIGTERM. Returns whether the process ends within `patience`.
    pub fn ask(&self, patience: Duration) -> Result<bool, Error> {
        match pidfd_send_signal(&self.0, Signal::TERM) {
            Ok(()) => self.ends_within(patience),
            Err(Errno::SRCH) => Ok(true),
            Err(error) => Err(Error::System(error.into())),
        }
    }

    /// Whether it ends within `patience`.
    pub fn ends_within(&self, patience: Duration) -> Result<bool, Error> {
        let timeout = Timespec::try_from(patience).map_err(|_| Error::System(Errno::INVAL.into()))?;
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        loop {
            match poll(&mut polled, Some(&timeout)) {
                Ok(ready) => return Ok(ready > 0),
                // A signal restarts the wait, which lasts seconds at most.
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::System(error.into())),
            }
        }
    }
}

/// When a process started. `None` if it is gone.
fn start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself contain parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The kernel's id of this boot of the machine.
pub fn boot() -> Result<String, Error> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = fs::read_to_string(path).map_err(|source| Error::File { path: path.into(), source })?;
    Ok(text.trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn ends_only_the_process_that_was_recorded() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::new("sleep", child.id()).unwrap();
        // The same id with another start names another process.
        let other = Process { start: process.start + 1, ..process.clone() };
        assert!(other.living().unwrap().is_none());
        let living = process.living().unwrap().unwrap();
        living.end().unwrap();
        // It has ended, although nobody has waited for it yet.
        assert!(process.living().unwrap().is_none());
        living.end().unwrap();
        child.wait().unwrap();
        assert!(process.living().unwrap().is_none());
    }

    #[test]
    fn kills_a_process_that_ignores_the_request_to_end() {
        let script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the shell did not set its trap");
        let living = Process::new("sh", child.id()).unwrap().living().unwrap().unwrap();
        assert!(!living.ask(Duration::from_millis(200)).unwrap());
        living.end().unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
