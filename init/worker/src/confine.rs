//! What the process gives up before it reads the first byte. PID 1 set namespaces and the system call filter before it
//! started this process.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::Error;
use crate::sys;

/// Confines the process. It keeps one descriptor, the socket at 0, and cannot open another. It cannot gain privileges,
/// write to files or dump a core file.
///
/// # Errors
///
/// [`Error::Descriptors`], [`Error::NoNewPrivileges`] or [`Error::ResourceLimit`], by the step that failed.
pub fn process() -> Result<(), Error> {
    sys::close_all_but_socket().map_err(|_| Error::Descriptors)?;
    prctl::set_no_new_privs().map_err(|_| Error::NoNewPrivileges)?;
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_FSIZE, 0)?;
    // A descriptor must be less than this limit, so only 0 is possible.
    lower(Resource::RLIMIT_NOFILE, 1)
}

/// Limits the address space to `bytes`, see [`capelet_abi::JobHeader::address_space`].
///
/// # Errors
///
/// [`Error::ResourceLimit`] if the limit cannot be set.
pub fn memory(bytes: u64) -> Result<(), Error> {
    lower(Resource::RLIMIT_AS, bytes)
}

/// Sets the soft and the hard limit to `value`. A hard limit that is lower already stays: this never raises a limit.
fn lower(resource: Resource, value: u64) -> Result<(), Error> {
    let (_, hard) = getrlimit(resource).map_err(|_| Error::ResourceLimit)?;
    let value = value.min(hard);
    setrlimit(resource, value, value).map_err(|_| Error::ResourceLimit)
}
