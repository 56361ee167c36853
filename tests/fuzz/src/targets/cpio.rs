//! The archive of the ramdisk.
//!
//! - An accepted archive is encoded to the same bytes.

use eif_build::cpio;

/// The input is an archive.
pub fn check(data: &[u8]) {
    if let Ok(entries) = cpio::read(data) {
        assert_eq!(cpio::write(&entries).ok().as_deref(), Some(data));
    }
}
