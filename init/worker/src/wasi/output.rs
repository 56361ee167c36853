//! Writing: the result and the diagnostics. Nothing else can be written.

use super::abi::Errno;
use super::descriptors::Kind;
use super::guest::Guest;
use super::{Answer, Wasi};

impl Wasi {
    pub(super) fn fd_write(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        written: u32,
    ) -> Answer {
        let result = match self.descriptors.get(fd)?.kind {
            Kind::Output => true,
            Kind::Diagnostic => false,
            Kind::File { .. } | Kind::Directory { .. } => return Err(Errno::Badf.into()),
        };
        let mut total = 0_u32;
        // Vectors may overlap: counted before anything is written, they may sum up to more than there is memory.
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
    ) -> Answer {
        Err(match self.descriptors.get(fd)?.kind {
            Kind::Output | Kind::Diagnostic => Errno::Spipe.into(),
            Kind::File { .. } | Kind::Directory { .. } => Errno::Badf.into(),
        })
    }
}
