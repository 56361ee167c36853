//! From the first line to the core, and then its service for as long as the enclave lives.

use crate::supervise::Service;
use crate::{Error, cmdline, core, heartbeat, mounts, sys, worker};
use nix::fcntl::OFlag;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write as _;

const OUT_OF_MEMORY: &str = "/proc/self/oom_score_adj";
/// Where the empty root is mounted: on a folder of the ramdisk that nothing else needs by then.
const ROOT: &str = "/proc";

/// Boots and serves. It returns only with the reason for the end.
pub fn boot() -> Result<Infallible, Error> {
    let out_of_memory = mounts::with("proc", "/proc", || {
        cmdline::check(&read("/proc/cmdline")?)?;
        mounts::open(OUT_OF_MEMORY, OFlag::O_WRONLY)
    })?;

    // The driver that is current fills the kernel's pool; the parent could offer another.
    if mounts::with("sysfs", "/sys", || read("/sys/class/misc/hw_random/rng_current"))? != b"nsm-hwrng\n" {
        return Err(Error::Generator);
    }

    let nsm = mounts::with("devtmpfs", "/dev", || mounts::open("/dev/nsm", OFlag::O_RDWR))?;

    mounts::empty(ROOT)?;
    sys::empty_bounding_set().map_err(Error::Capabilities)?;
    let (core, worker) = (core::open("/core", ROOT)?, worker::open("/worker", ROOT)?);
    heartbeat::beat().map_err(Error::Heartbeat)?;

    let service = Service::start(&core, worker, nsm)?;
    // When memory is short the kernel ends a worker, not the core: this process cannot be ended so, and what it starts
    // from now on comes first.
    File::from(out_of_memory).write_all(b"1000").map_err(|error| Error::File(OUT_OF_MEMORY, error))?;
    service.serve()
}

fn read(path: &'static str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File(path, error))
}
