//! Calls about directories: the preopened one, and listing.

use super::descriptors::DescriptorKind;
use super::guest::Guest;
use super::numbers::{Errno, FileType};
use super::tree::{Node, NodeId, Tree};
use super::{CallResult, Wasi};

/// The name of the preopened directory.
const PREOPENED: &[u8; 1] = b"/";

impl Wasi {
    pub(super) fn fd_prestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, to: u32) -> CallResult {
        self.preopened(fd)?;
        // Type 0: a directory. Then the length of its name.
        Ok(guest.put(to, [0, 0, 0, 0, 1, 0, 0, 0])?)
    }

    pub(super) fn fd_prestat_dir_name(&mut self, guest: &mut Guest<'_>, fd: u32, to: u32, length: u32) -> CallResult {
        self.preopened(fd)?;
        if length < 1 {
            return Err(Errno::Nametoolong.into());
        }
        Ok(guest.put(to, *PREOPENED)?)
    }

    fn preopened(&mut self, fd: u32) -> Result<(), Errno> {
        match self.descriptors.get(fd)?.kind {
            DescriptorKind::Directory { preopened: true, .. } => Ok(()),
            _ => Err(Errno::Badf),
        }
    }

    /// Writes entries from number `cookie` on, as many as fit. The last one is truncated at the end of the buffer,
    /// which tells the function that there are more.
    pub(super) fn fd_readdir(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        to: u32,
        length: u32,
        cookie: u64,
        used: u32,
    ) -> CallResult {
        let directory = self.descriptors.directory(fd)?;
        let room = guest.bytes_mut(to, length)?;
        let mut filled = 0;
        let mut next = cookie;
        for (name, id) in entries(&self.tree, directory)?.skip(usize::try_from(cookie).unwrap_or(usize::MAX)) {
            next = next.saturating_add(1);
            for part in [&dirent(&self.tree, next, name, id)?[..], name] {
                let free = room.get_mut(filled..).unwrap_or_default();
                let fitting = part.len().min(free.len());
                free[..fitting].copy_from_slice(&part[..fitting]);
                filled += fitting;
            }
            if filled == room.len() {
                break;
            }
        }
        Ok(guest.put(used, u32::try_from(filled).map_err(|_| Errno::Overflow)?.to_le_bytes())?)
    }
}

/// A directory's entries: itself, its parent, then its content by name.
fn entries(tree: &Tree, directory: NodeId) -> Result<impl Iterator<Item = (&[u8], NodeId)>, Errno> {
    let Node::Directory { parent, children } = tree.node(directory) else { return Err(Errno::Notdir) };
    let dots = [(&b"."[..], directory), (&b".."[..], *parent)];
    Ok(dots.into_iter().chain(children.iter().map(|(name, id)| (name.as_slice(), *id))))
}

/// Encodes a `dirent`: cookie of the next entry, inode, length of the name, type.
fn dirent(tree: &Tree, next: u64, name: &[u8], id: NodeId) -> Result<[u8; 24], Errno> {
    let kind = match tree.node(id) {
        Node::File(_) => FileType::RegularFile,
        Node::Directory { .. } => FileType::Directory,
    };
    let mut entry = [0; 24];
    entry[..8].copy_from_slice(&next.to_le_bytes());
    entry[8..16].copy_from_slice(&id.inode().to_le_bytes());
    entry[16..20].copy_from_slice(&u32::try_from(name.len()).map_err(|_| Errno::Overflow)?.to_le_bytes());
    entry[20] = kind as u8;
    Ok(entry)
}
