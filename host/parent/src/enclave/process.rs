//! A process that was started for an enclave. Numbers come round again: with the time of its start, one names one process
//! for as long as the machine runs, and a descriptor of it (pidfd_open(2)) holds on to it.

use capelet_parent::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long a process may take to end when it is asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A process, alive or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What it is, for people.
    pub name: String,
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after the machine's start (proc_pid_stat(5), field 22).
    pub start: u64,
}

/// A process that lives, or lived a moment ago.
pub struct Living(OwnedFd);

impl Process {
    /// One that cannot have ended unnoticed: a child that was not waited for, or this process.
    pub fn new(name: &str, pid: u32) -> Result<Self, Error> {
        let start = start(pid).ok_or_else(|| Error::System(Errno::SRCH.into()))?;
        Ok(Self { name: name.into(), pid, start })
    }

    /// The process, if it is still there.
    pub fn living(&self) -> Result<Option<Living>, Error> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let living = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Living(descriptor),
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(Error::System(error.into())),
        };
        // Asked for only now: from here on the number can go to nobody else unnoticed.
        let same = start(self.pid) == Some(self.start) && !living.ends_within(Duration::ZERO)?;
        Ok(same.then_some(living))
    }
}

impl Living {
    /// Asks it to end, and kills it if it does not.
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

    /// Asks it to end; whether it does within `patience`.
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
                // A signal begins the wait anew: it is a few seconds at most.
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::System(error.into())),
            }
        }
    }
}

/// When a process started; none if it is gone.
fn start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Its name is in parentheses and may hold any.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Which start of the machine this is.
pub fn boot() -> Result<String, Error> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = fs::read_to_string(path).map_err(|source| Error::File { path: path.into(), source })?;
    Ok(text.trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_the_same_process_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::new("sleep", child.id()).unwrap();
        // The number of another: it started at another time.
        let other = Process { start: process.start + 1, ..process.clone() };
        assert!(other.living().unwrap().is_none());
        let living = process.living().unwrap().unwrap();
        living.end().unwrap();
        // Ended, though nobody has waited for it.
        assert!(process.living().unwrap().is_none());
        living.end().unwrap();
        child.wait().unwrap();
        assert!(process.living().unwrap().is_none());
    }

    #[test]
    fn what_does_not_listen_is_killed() {
        let mut child = Command::new("sh").args(["-c", "trap '' TERM; while :; do sleep 0.1; done"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let living = Process::new("sh", child.id()).unwrap().living().unwrap().unwrap();
        assert!(!living.ask(Duration::from_millis(200)).unwrap());
        living.end().unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
