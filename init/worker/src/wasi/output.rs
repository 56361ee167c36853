//! Calls that write the result and the diagnostics. A function can write nothing else.

use super::descriptors::DescriptorKind;
use super::guest::Guest;
use super::numbers::Errno;
use super::{CallResult, Wasi};

impl Wasi {
    pub(super) fn fd_write(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        written: u32,
    ) -> CallResult {
        let result = match self.descriptors.get(fd)?.kind {
            DescriptorKind::Output => true,
            DescriptorKind::Diagnostic => false,
            DescriptorKind::File { .. } | DescriptorKind::Directory { .. } => return Err(Errno::Badf.into()),
        };
        let mut total = 0_u32;
        // Vectors may overlap, so their sum may exceed the memory. It is checked before anything is written.
        let vectors = guest.vectors(vectors, count)?;
        for (_, length) in &vectors {
            total = total.checked_add(*length).ok_or(Errno::Inval)?;
        }
        guest.put(written, total.to_le_bytes())?;
        for (at, length) in vectors {
            let bytes = guest.bytes(at, length)?;
            if result { self.frames.output(bytes)? } else { self.frames.diagnostic(bytes)? }
        }
        Ok(())
    }

    pub(super) fn fd_pwrite(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        _vectors: u32,
        _count: u32,
        _offset: u64,
        _written: u32,
    ) -> CallResult {
        Err(match self.descriptors.get(fd)?.kind {
            DescriptorKind::Output | DescriptorKind::Diagnostic => Errno::Spipe.into(),
            DescriptorKind::File { .. } | DescriptorKind::Directory { .. } => Errno::Badf.into(),
        })
    }
}
