//! The boot: from PID 1's first line to the core's start.

use crate::supervisor::Supervisor;
use crate::{Error, cmdline, core_process, error::cannot, heartbeat, isolation, mounts, sys, worker_process};
use nix::fcntl::OFlag;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{Write as _, stderr};

const OUT_OF_MEMORY: &str = "/proc/self/oom_score_adj";
/// Where PID 1 mounts the empty root: on a folder of the ramdisk that is not used any more by then.
const ROOT: &str = "/proc";

/// Boots the enclave, then serves the core for as long as the enclave lives.
///
/// # Errors
///
/// The reason why the enclave must end: every variant of [`Error`].
pub fn boot() -> Result<Infallible, Error> {
    let out_of_memory = mounts::mounted("proc", "/proc", || {
        cmdline::check(&read("/proc/cmdline")?)?;
        mounts::open(OUT_OF_MEMORY, OFlag::O_WRONLY)
    })?;

    // The pool is seeded from the current driver. The parent could offer another device, with another driver.
    let generator = mounts::mounted("sysfs", "/sys", || read("/sys/class/misc/hw_random/rng_current"))?;
    if generator != b"nsm-hwrng\n" {
        return Err(Error::Unexpected("random number generator", String::from_utf8_lossy(&generator).into_owned()));
    }

    let nsm = mounts::mounted("devtmpfs", "/dev", || {
        seed_random_pool()?;
        mounts::open("/dev/nsm", OFlag::O_RDWR)
    })?;

    mounts::mount_empty_root(ROOT)?;
    sys::empty_bounding_set().map_err(cannot("drop capabilities"))?;
    let (core, worker) = (core_process::open("/core", ROOT)?, worker_process::open("/worker", ROOT)?);
    isolation::check(say)?;
    heartbeat::exchange().map_err(cannot("get a valid answer to the heartbeat"))?;

    let supervisor = Supervisor::start(&core, worker, nsm)?;
    // If memory is short, the kernel must kill a worker, not the core. The kernel never kills PID 1 for that reason,
    // and it prefers the processes that PID 1 starts from now on.
    File::from(out_of_memory).write_all(b"1000").map_err(|error| Error::File("write", OUT_OF_MEMORY, error))?;
    supervisor.serve()
}

/// Seeds the kernel's random pool from the NSM, so that every program draws from a pool with the NSM's bytes. The
/// kernel's driver does so too, but in its own time, and it goes on when the NSM fails.
fn seed_random_pool() -> Result<(), Error> {
    let (nsm, pool) = (mounts::open("/dev/hwrng", OFlag::O_RDONLY)?, mounts::open("/dev/random", OFlag::O_WRONLY)?);
    let length = sys::seed(&pool, &nsm).map_err(cannot("seed the kernel's random pool from the NSM"))?;
    if length != 64 {
        return Err(Error::Unexpected("number of random bytes from the NSM", length.to_string()));
    }
    say("seeded the kernel's random pool with 64 bytes from the NSM");
    Ok(())
}

fn read(path: &'static str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File("read", path, error))
}

/// Prints a line on the console. PID 1 goes on if it cannot, because only people read it.
fn say(line: &str) {
    let _ = writeln!(stderr(), "capelet-pid1: {line}");
}
