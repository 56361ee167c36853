//! The two system calls for which `nix` has no safe wrapper. All of the worker's unsafe code is here.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;

/// Closes every descriptor except 0 in one call.
///
/// # Errors
///
/// The error of `close_range`.
pub fn close_all_but_socket() -> Result<(), Errno> {
    // SAFETY: close_range(2) accesses no memory. Nothing in this process owns a descriptor above 0, because nothing was
    // opened yet. std does not assume that 1 and 2 are open: it ignores EBADF.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0) }).map(drop)
}

/// Fills `bytes` from the kernel's generator. The kernel seeds it before a worker can start.
///
/// # Errors
///
/// The error of `getrandom`, or `EIO` if it returned an impossible length.
pub fn random(mut bytes: &mut [u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: pointer and length are those of one exclusive slice.
        let filled = match Errno::result(unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) }) {
            Err(Errno::EINTR) => continue,
            filled => usize::try_from(filled?).unwrap_or(0),
        };
        bytes = bytes.get_mut(filled..).ok_or(Errno::EIO)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn random_fills_the_whole_buffer() {
        let mut bytes = vec![0; 100_000];
        super::random(&mut bytes).unwrap();
        for chunk in bytes.chunks(32) {
            assert_ne!(chunk, [0; 32]);
        }
        super::random(&mut []).unwrap();
    }
}
