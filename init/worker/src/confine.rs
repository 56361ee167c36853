//! What the process gives up before it reads the first byte. Namespaces and the system call filter were put on
//! before it was started: they are the spawner's.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::Error;
use crate::sys;

/// One descriptor, the socket at 0, and no way to open another; no new privileges; no core file, no files at all.
pub fn process() -> Result<(), Error> {
    sys::close_all_but_socket().map_err(|_| Error::Descriptors)?;
    prctl::set_no_new_privs().map_err(|_| Error::NoNewPrivileges)?;
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_FSIZE, 0)?;
    // A descriptor's number must be below this: only 0 is.
    lower(Resource::RLIMIT_NOFILE, 1)
}

/// At most `bytes` of address space, see [`capelet_abi::job::Header::address_space`].
pub fn memory(bytes: u64) -> Result<(), Error> {
    lower(Resource::RLIMIT_AS, bytes)
}

/// Soft and hard limit become `value`, or stay where the spawner set them lower: nothing here raises a limit.
fn lower(resource: Resource, value: u64) -> Result<(), Error> {
    let (_, hard) = getrlimit(resource).map_err(|_| Error::ResourceLimit)?;
    let value = value.min(hard);
    setrlimit(resource, value, value).map_err(|_| Error::ResourceLimit)
}
