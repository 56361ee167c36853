//! Calls that read files, and calls about descriptors.

use super::descriptors::DescriptorKind;
use super::guest::Guest;
use super::numbers::{Errno, FDFLAGS_SETTABLE, FileType, rights};
use super::tree::{Node, NodeId, Tree};
use super::{CallResult, Wasi};

impl Wasi {
    pub(super) fn fd_read(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        read: u32,
    ) -> CallResult {
        let (node, offset) = self.open_file(fd, Errno::Badf)?;
        let taken = self.scatter(guest, node, offset, vectors, count, read)?;
        if let DescriptorKind::File { offset, .. } = &mut self.descriptors.get(fd)?.kind {
            *offset = offset.saturating_add(taken.into());
        }
        Ok(())
    }

    pub(super) fn fd_pread(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        offset: u64,
        read: u32,
    ) -> CallResult {
        let (node, _) = self.open_file(fd, Errno::Spipe)?;
        self.scatter(guest, node, offset, vectors, count, read)?;
        Ok(())
    }

    /// Copies from a file into the vectors, and returns how many bytes. Copies nothing if an address is outside.
    fn scatter(
        &self,
        guest: &mut Guest<'_>,
        node: NodeId,
        offset: u64,
        vectors: u32,
        count: u32,
        read: u32,
    ) -> Result<u32, Errno> {
        let contents = self.tree.contents(node)?;
        let mut rest = usize::try_from(offset).ok().and_then(|offset| contents.get(offset..)).unwrap_or(&[]);
        let vectors = guest.vectors(vectors, count)?;
        let before = rest.len();
        guest.put(read, [0; 4])?;
        for (at, length) in vectors {
            let to = guest.bytes_mut(at, length)?;
            let (now, later) = rest.split_at(to.len().min(rest.len()));
            to[..now.len()].copy_from_slice(now);
            rest = later;
        }
        let taken = u32::try_from(before - rest.len()).map_err(|_| Errno::Overflow)?;
        guest.put(read, taken.to_le_bytes())?;
        Ok(taken)
    }

    pub(super) fn fd_seek(&mut self, guest: &mut Guest<'_>, fd: u32, by: i64, whence: u32, to: u32) -> CallResult {
        let (node, offset) = self.open_file(fd, Errno::Spipe)?;
        let size = self.tree.contents(node)?.len();
        let from = match whence {
            0 => 0,
            1 => offset,
            2 => u64::try_from(size).map_err(|_| Errno::Overflow)?,
            _ => return Err(Errno::Inval.into()),
        };
        let target = from.checked_add_signed(by).ok_or(Errno::Inval)?;
        guest.put(to, target.to_le_bytes())?;
        if let DescriptorKind::File { offset, .. } = &mut self.descriptors.get(fd)?.kind {
            *offset = target;
        }
        Ok(())
    }

    pub(super) fn fd_tell(&mut self, guest: &mut Guest<'_>, fd: u32, to: u32) -> CallResult {
        let (_, offset) = self.open_file(fd, Errno::Spipe)?;
        Ok(guest.put(to, offset.to_le_bytes())?)
    }

    /// Does nothing, because every file is in memory.
    pub(super) fn fd_advise(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        _offset: u64,
        _length: u64,
        advice: u32,
    ) -> CallResult {
        self.open_file(fd, Errno::Spipe)?;
        if advice > 5 { Err(Errno::Inval.into()) } else { Ok(()) }
    }

    /// Does nothing, because files do not change. Output is sent when a frame is full or the run ends.
    pub(super) fn fd_sync(&mut self, _: &mut Guest<'_>, fd: u32) -> CallResult {
        self.descriptors.get(fd)?;
        Ok(())
    }

    pub(super) fn fd_datasync(&mut self, guest: &mut Guest<'_>, fd: u32) -> CallResult {
        self.fd_sync(guest, fd)
    }

    pub(super) fn fd_close(&mut self, _: &mut Guest<'_>, fd: u32) -> CallResult {
        Ok(self.descriptors.close(fd)?)
    }

    pub(super) fn fd_renumber(&mut self, _: &mut Guest<'_>, fd: u32, onto: u32) -> CallResult {
        Ok(self.descriptors.renumber(fd, onto)?)
    }

    /// Encodes an `fdstat`: type, flags, rights, inheriting rights.
    pub(super) fn fd_fdstat_get(&mut self, guest: &mut Guest<'_>, fd: u32, to: u32) -> CallResult {
        const ANY: u64 = rights::FD_FDSTAT_SET_FLAGS | rights::FD_FILESTAT_GET | rights::POLL_FD_READWRITE;
        const FILE: u64 = ANY | rights::FD_READ | rights::FD_SEEK | rights::FD_TELL | rights::FD_ADVISE;
        const DIRECTORY: u64 = rights::FD_FDSTAT_SET_FLAGS
            | rights::FD_FILESTAT_GET
            | rights::PATH_OPEN
            | rights::FD_READDIR
            | rights::PATH_READLINK
            | rights::PATH_FILESTAT_GET;
        let descriptor = self.descriptors.get(fd)?;
        let (kind, base, inheriting) = match descriptor.kind {
            DescriptorKind::File { .. } => (FileType::RegularFile, FILE, 0),
            // The right to write is included so that opening a file for writing fails. A libc requests only rights that
            // a file inherits. Without this right it would silently open the file for reading.
            DescriptorKind::Directory { .. } => (FileType::Directory, DIRECTORY, DIRECTORY | FILE | rights::FD_WRITE),
            DescriptorKind::Output | DescriptorKind::Diagnostic => (FileType::Unknown, ANY | rights::FD_WRITE, 0),
        };
        let mut stat = [0; 24];
        stat[0] = kind as u8;
        stat[2..4].copy_from_slice(&descriptor.flags.to_le_bytes());
        stat[8..16].copy_from_slice(&base.to_le_bytes());
        stat[16..].copy_from_slice(&inheriting.to_le_bytes());
        Ok(guest.put(to, stat)?)
    }

    pub(super) fn fd_fdstat_set_flags(&mut self, _: &mut Guest<'_>, fd: u32, flags: u32) -> CallResult {
        let descriptor = self.descriptors.get(fd)?;
        if flags & !FDFLAGS_SETTABLE != 0 {
            return Err(Errno::Notsup.into());
        }
        descriptor.flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
        Ok(())
    }

    pub(super) fn fd_filestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, to: u32) -> CallResult {
        let stat = match self.descriptors.get(fd)?.kind {
            DescriptorKind::File { node, .. } | DescriptorKind::Directory { node, .. } => filestat(&self.tree, node)?,
            DescriptorKind::Output | DescriptorKind::Diagnostic => [0; 64],
        };
        Ok(guest.put(to, stat)?)
    }

    /// The file and the position of a descriptor. For output and diagnostics the error is `pipe`.
    fn open_file(&mut self, fd: u32, pipe: Errno) -> Result<(NodeId, u64), Errno> {
        match self.descriptors.get(fd)?.kind {
            DescriptorKind::File { node, offset } => Ok((node, offset)),
            DescriptorKind::Directory { .. } => Err(Errno::Isdir),
            DescriptorKind::Output | DescriptorKind::Diagnostic => Err(pipe),
        }
    }
}

/// Encodes a `filestat`: device, inode, type, links, size. All times are 0, because a bundle has none.
///
/// # Errors
///
/// [`Errno::Overflow`] if the size does not fit into its field.
pub fn filestat(tree: &Tree, node: NodeId) -> Result<[u8; 64], Errno> {
    let (kind, size) = match tree.node(node) {
        Node::File(bytes) => (FileType::RegularFile, bytes.len()),
        Node::Directory { .. } => (FileType::Directory, 0),
    };
    let mut stat = [0; 64];
    stat[8..16].copy_from_slice(&node.inode().to_le_bytes());
    stat[16] = kind as u8;
    stat[24..32].copy_from_slice(&1_u64.to_le_bytes());
    stat[32..40].copy_from_slice(&u64::try_from(size).map_err(|_| Errno::Overflow)?.to_le_bytes());
    Ok(stat)
}
