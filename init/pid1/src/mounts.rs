//! File systems: mounted for one look, then gone again; and the empty root of every program.

use crate::Error;
use nix::fcntl::{self, OFlag};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;

/// Mounts `kind` on `target` for as long as `look` takes.
pub fn with<R>(kind: &str, target: &'static str, look: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some(kind), target, Some(kind), flags, None::<&str>).map_err(|errno| Error::Mount(target, errno))?;
    let seen = look()?;
    // Detached, because what was opened in it stays open.
    umount2(target, MntFlags::MNT_DETACH).map_err(|errno| Error::Unmount(target, errno))?;
    Ok(seen)
}

/// Mounts the empty root: read-only, with one inode, its own.
pub fn empty(target: &'static str) -> Result<(), Error> {
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = Some("mode=0555,size=4k,nr_inodes=1");
    mount(Some("empty"), target, Some("tmpfs"), flags, options).map_err(|errno| Error::Mount(target, errno))
}

/// Opens a file that no program inherits unless it is given to it.
pub fn open(path: &'static str, flags: OFlag) -> Result<OwnedFd, Error> {
    let opened = fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty());
    opened.map_err(|errno| Error::File(path, errno.into()))
}
