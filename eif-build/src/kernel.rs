//! Where the kernel ends.
//!
//! PCR0 hashes kernel, command line and ramdisk without separators, so that a boundary can be moved under an
//! unchanged PCR. A bzImage says itself how long it is (Documentation/arch/x86/boot.rst: `setup_sects`,
//! `syssize`); a section of any other length is refused. Where the ramdisk
//! begins is told by its first byte, 0x1f, which is not printable and so in no command line: one PCR0 is one image.

use crate::error::Error;

const SETUP_SECTS: usize = 0x1f1;
const SYSSIZE: usize = 0x1f4;
const HEADER_MAGIC: usize = 0x202;

/// Checks that `kernel` is a bzImage of exactly the length that it declares.
pub(crate) fn check(kernel: &[u8]) -> Result<(), Error> {
    if kernel.get(HEADER_MAGIC..HEADER_MAGIC + 4) != Some(b"HdrS") {
        return Err(Error::NotAKernel);
    }
    let setup_sects = kernel.get(SETUP_SECTS).ok_or(Error::NotAKernel)?;
    let syssize = kernel.get(SYSSIZE..SYSSIZE + 4).ok_or(Error::NotAKernel)?;
    let syssize = u32::from_le_bytes(syssize.try_into().map_err(|_| Error::NotAKernel)?);
    // For the boot loader 0 means 4; both count without the boot sector.
    let setup = u64::from(if *setup_sects == 0 { 4 } else { *setup_sects }) + 1;
    let declared = setup * 512 + u64::from(syssize) * 16;
    let size = kernel.len() as u64;
    if declared != size {
        return Err(Error::KernelLength { declared, size });
    }
    Ok(())
}
