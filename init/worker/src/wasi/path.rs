//! Calls with paths. A path starts at a directory's descriptor and never leads above it. Nothing can be created.

use super::descriptors::DescriptorKind;
use super::files::filestat;
use super::guest::Guest;
use super::numbers::{Errno, oflags, rights};
use super::tree::{Node, NodeId};
use super::{CallResult, Wasi};

impl Wasi {
    #[expect(clippy::too_many_arguments, reason = "path_open has nine")]
    pub(super) fn path_open(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        _dirflags: u32,
        path: u32,
        length: u32,
        oflags: u32,
        rights: u64,
        _inheriting: u64,
        flags: u32,
        to: u32,
    ) -> CallResult {
        let writing = rights & rights::FD_WRITE != 0;
        let node = match self.find(guest, fd, path, length) {
            Err(Errno::Noent) if oflags & oflags::CREAT != 0 => return Err(Errno::Rofs.into()),
            found => found?,
        };
        let kind = match self.tree.node(node) {
            _ if oflags & oflags::CREAT != 0 && oflags & oflags::EXCL != 0 => return Err(Errno::Exist.into()),
            Node::File(_) if oflags & oflags::DIRECTORY != 0 => return Err(Errno::Notdir.into()),
            Node::File(_) if writing || oflags & oflags::TRUNC != 0 => return Err(Errno::Rofs.into()),
            Node::File(_) => DescriptorKind::File { node, offset: 0 },
            // Some programs request every right when they open a directory to list it.
            Node::Directory { .. } if writing && oflags & oflags::DIRECTORY == 0 => return Err(Errno::Isdir.into()),
            Node::Directory { .. } => DescriptorKind::Directory { node, preopened: false },
        };
        guest.put(to, [0; 4])?;
        let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
        let opened = self.descriptors.open(kind, flags)?;
        Ok(guest.put(to, opened.to_le_bytes())?)
    }

    /// Ignores the flag to follow links, because there are none.
    pub(super) fn path_filestat_get(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        _flags: u32,
        path: u32,
        length: u32,
        to: u32,
    ) -> CallResult {
        let node = self.find(guest, fd, path, length)?;
        Ok(guest.put(to, filestat(&self.tree, node)?)?)
    }

    /// Fails with [`Errno::Inval`] for every existing path, because there are no links.
    #[expect(clippy::too_many_arguments, reason = "path_readlink has seven")]
    pub(super) fn path_readlink(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        length: u32,
        _to: u32,
        _room: u32,
        _used: u32,
    ) -> CallResult {
        self.find(guest, fd, path, length)?;
        Err(Errno::Inval.into())
    }

    fn find(&mut self, guest: &Guest<'_>, fd: u32, path: u32, length: u32) -> Result<NodeId, Errno> {
        let directory = self.descriptors.directory(fd)?;
        self.tree.walk(directory, guest.path(path, length)?)
    }
}
