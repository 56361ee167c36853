//! The most memory that the processes of the enclave and its parent use, as the kernel counts it (`VmHWM`, proc(5)).

use capelet_e2e::Local;
use std::fs;
use std::path::{Path, PathBuf};

/// The most resident memory of each process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peaks {
    /// The parent, which is in the process of `capelet-local`.
    pub parent: u64,
    /// The core.
    pub core: u64,
    /// The largest of all workers.
    pub worker: u64,
}

/// Looks again and again, because a worker ends with its run.
pub struct Watch<'a> {
    local: &'a Local,
    core: PathBuf,
    peaks: Peaks,
}

impl<'a> Watch<'a> {
    /// Watches the processes of `local`.
    pub fn new(local: &'a Local) -> Self {
        Self { local, core: local.core(), peaks: Peaks::default() }
    }

    /// Looks once. A worker that begins and ends between two looks is not seen.
    pub fn look(&mut self) {
        let parent = PathBuf::from(format!("/proc/{}", self.local.id()));
        self.peaks.parent = self.peaks.parent.max(peak(&parent));
        self.peaks.core = self.peaks.core.max(peak(&self.core));
        let workers = self.local.workers().iter().map(|worker| peak(worker)).max();
        self.peaks.worker = self.peaks.worker.max(workers.unwrap_or(0));
    }

    /// The most that was seen.
    pub fn peaks(&self) -> Peaks {
        self.peaks
    }
}

/// The most memory of a process. 0 if it has ended.
fn peak(process: &Path) -> u64 {
    fs::read_to_string(process.join("status")).ok().and_then(|status| parse(&status)).unwrap_or(0)
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_peak_of_a_process() {
        assert_eq!(parse("Name:\tx\nVmPeak:\t    9 kB\nVmHWM:\t   12 kB\nVmRSS:\t 7 kB\n"), Some(12 * 1024));
        // A process that has ended and is not yet waited for has no memory.
        assert_eq!(parse("Name:\tx\nState:\tZ (zombie)\n"), None);
        assert!(peak(Path::new("/proc/self")) > 0);
    }
}
