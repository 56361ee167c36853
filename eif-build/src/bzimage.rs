//! The length that a bzImage declares for itself.
//!
//! PCR0 hashes kernel, command line and ramdisk without separators. A boundary between two of them could therefore move
//! without a change of PCR0. Two checks fix the boundaries, so that one PCR0 belongs to one image:
//!
//! - A kernel section must have exactly the length that the bzImage declares (Linux,
//!   Documentation/arch/x86/boot.rst: `setup_sects`, `syssize`).
//! - A ramdisk begins with the byte 0x1f. It is not printable, so no command line contains it.

use crate::error::Error;

/// The offset of `setup_sects`, one byte.
const SETUP_SECTS: usize = 0x1f1;
/// The offset of `syssize`, four bytes, little-endian.
const SYSSIZE: usize = 0x1f4;
/// The offset of the header's magic, four bytes.
const HEADER_MAGIC: usize = 0x202;

/// Checks that `kernel` is a bzImage of exactly the length that it declares.
///
/// # Errors
/// [`Error::NotAKernel`], [`Error::KernelLength`].
pub(crate) fn check_length(kernel: &[u8]) -> Result<(), Error> {
    if kernel.get(HEADER_MAGIC..HEADER_MAGIC + 4) != Some(b"HdrS") {
        return Err(Error::NotAKernel);
    }
    let setup_sects = kernel.get(SETUP_SECTS).ok_or(Error::NotAKernel)?;
    let syssize = kernel.get(SYSSIZE..SYSSIZE + 4).ok_or(Error::NotAKernel)?;
    let syssize = u32::from_le_bytes(syssize.try_into().map_err(|_| Error::NotAKernel)?);
    // A boot loader reads 0 as 4. The boot sector, which `setup_sects` does not count, adds one.
    let setup = u64::from(if *setup_sects == 0 { 4 } else { *setup_sects }) + 1;
    let declared = setup * 512 + u64::from(syssize) * 16;
    let size = kernel.len() as u64;
    if declared != size {
        return Err(Error::KernelLength { declared, size });
    }
    Ok(())
}
