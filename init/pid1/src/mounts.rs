//! Mounts: kernel file systems, which PID 1 mounts only while it reads them, and the empty root of every program.

use crate::Error;
use nix::fcntl::{self, OFlag};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;

/// Mounts a file system of type `kind` on `target`, calls `look`, and unmounts.
///
/// # Errors
///
/// [`Error::File`] if the file system cannot be mounted or unmounted; otherwise the error of `look`.
pub fn mounted<R>(kind: &str, target: &'static str, look: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some(kind), target, Some(kind), flags, None::<&str>).map_err(failed("mount", target))?;
    let seen = look()?;
    // A file that `look` opened stays open, so the mount must be detached.
    umount2(target, MntFlags::MNT_DETACH).map_err(failed("unmount", target))?;
    Ok(seen)
}

/// Mounts the empty root on `target`. It is read-only and has one inode: its own.
///
/// # Errors
///
/// [`Error::File`] if it cannot be mounted.
pub fn mount_empty_root(target: &'static str) -> Result<(), Error> {
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = Some("mode=0555,size=4k,nr_inodes=1");
    mount(Some("empty"), target, Some("tmpfs"), flags, options).map_err(failed("mount", target))
}

/// Opens a file. The descriptor closes when this process executes a program.
///
/// # Errors
///
/// [`Error::File`] if the file cannot be opened.
pub fn open(path: &'static str, flags: OFlag) -> Result<OwnedFd, Error> {
    fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty()).map_err(failed("open", path))
}

fn failed(step: &'static str, path: &'static str) -> impl Fn(nix::Error) -> Error {
    move |errno| Error::File(step, path, errno.into())
}
