//! The function's open descriptors. They are not descriptors of the worker's process.

use super::numbers::Errno;
use super::tree::{NodeId, ROOT};

/// The most open descriptors.
const MAX_OPEN: usize = 128;

/// What a descriptor refers to.
#[derive(Debug, PartialEq, Eq)]
pub enum DescriptorKind {
    /// A file.
    File {
        /// The file.
        node: NodeId,
        /// The position of the next read. It may be beyond the end.
        offset: u64,
    },
    /// A directory.
    Directory {
        /// The directory.
        node: NodeId,
        /// Whether the worker opened it before the run.
        preopened: bool,
    },
    /// The run's result.
    Output,
    /// The run's diagnostics.
    Diagnostic,
}

/// An open descriptor.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it refers to.
    pub kind: DescriptorKind,
    /// Its `fdflags`. The function can read them back. They have no effect, because nothing here blocks or appends.
    pub flags: u16,
}

/// All open descriptors, by number.
#[derive(Debug)]
pub struct Descriptors(Vec<Option<Descriptor>>);

impl Descriptors {
    /// Opens the first descriptors: 0 the input, 1 `output`, 2 diagnostics, 3 the root directory.
    pub fn new(input: NodeId, output: DescriptorKind) -> Self {
        let kinds = [
            DescriptorKind::File { node: input, offset: 0 },
            output,
            DescriptorKind::Diagnostic,
            DescriptorKind::Directory { node: ROOT, preopened: true },
        ];
        Self(kinds.into_iter().map(|kind| Some(Descriptor { kind, flags: 0 })).collect())
    }

    fn slot(&mut self, fd: u32) -> Result<&mut Option<Descriptor>, Errno> {
        usize::try_from(fd).ok().and_then(|fd| self.0.get_mut(fd)).filter(|slot| slot.is_some()).ok_or(Errno::Badf)
    }

    /// The descriptor `fd`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`] if it is not open.
    pub fn get(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slot(fd)?.as_mut().ok_or(Errno::Badf)
    }

    /// The directory to which the descriptor `fd` refers.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`] if it is not open, [`Errno::Notdir`] if it is not a directory.
    pub fn directory(&mut self, fd: u32) -> Result<NodeId, Errno> {
        match self.get(fd)?.kind {
            DescriptorKind::Directory { node, .. } => Ok(node),
            _ => Err(Errno::Notdir),
        }
    }

    /// Opens a descriptor with the lowest free number, and returns the number.
    ///
    /// # Errors
    ///
    /// [`Errno::Mfile`] if [`MAX_OPEN`] descriptors are open.
    pub fn open(&mut self, kind: DescriptorKind, flags: u16) -> Result<u32, Errno> {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        let fd = u32::try_from(free).map_err(|_| Errno::Mfile)?;
        let descriptor = Some(Descriptor { kind, flags });
        match self.0.get_mut(free) {
            Some(slot) => *slot = descriptor,
            None if free < MAX_OPEN => self.0.push(descriptor),
            None => return Err(Errno::Mfile),
        }
        Ok(fd)
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`] if it is not open.
    pub fn close(&mut self, fd: u32) -> Result<(), Errno> {
        *self.slot(fd)? = None;
        Ok(())
    }

    /// Moves the descriptor `fd` to the number `onto`, which must be open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`] if one of them is not open.
    pub fn renumber(&mut self, fd: u32, onto: u32) -> Result<(), Errno> {
        self.get(onto)?;
        let moved = self.slot(fd)?.take();
        *self.0.get_mut(usize::try_from(onto).map_err(|_| Errno::Badf)?).ok_or(Errno::Badf)? = moved;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::tree::Tree;

    fn new() -> Descriptors {
        Descriptors::new(Tree::default().insert_unnamed(Vec::new()), DescriptorKind::Output)
    }

    #[test]
    fn opens_the_lowest_free_number_up_to_the_limit() {
        let mut open = new();
        for fd in 4..128 {
            assert_eq!(open.open(DescriptorKind::Diagnostic, 0), Ok(fd));
        }
        assert_eq!(open.open(DescriptorKind::Diagnostic, 0), Err(Errno::Mfile));
        open.close(7).unwrap();
        assert_eq!(open.close(7), Err(Errno::Badf));
        assert_eq!(open.open(DescriptorKind::Output, 0), Ok(7));
    }

    #[test]
    fn renumber_moves_a_descriptor_to_an_open_number() {
        let mut open = new();
        open.renumber(1, 0).unwrap();
        assert_eq!(open.get(0).unwrap().kind, DescriptorKind::Output);
        assert_eq!(open.get(1), Err(Errno::Badf));
        open.renumber(0, 0).unwrap();
        assert_eq!(open.get(0).unwrap().kind, DescriptorKind::Output);
        assert_eq!(open.renumber(0, 1), Err(Errno::Badf));
        assert_eq!(open.renumber(9, 0), Err(Errno::Badf));
        assert_eq!(open.get(u32::MAX), Err(Errno::Badf));
    }
}
