//! The function's open descriptors: numbers that mean something in this module only, none of the process' own.

use super::abi::Errno;
use super::tree::{Id, ROOT};

/// The most open descriptors.
const MAX_OPEN: usize = 128;

/// What a descriptor stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, read from here on.
    File {
        /// The file.
        node: Id,
        /// Where the next read begins; may lie beyond the end.
        offset: u64,
    },
    /// A directory.
    Directory {
        /// The directory.
        node: Id,
        /// Whether it was open from the start.
        preopened: bool,
    },
    /// The result.
    Output,
    /// What is not the result.
    Diagnostic,
}

/// An open descriptor.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it stands for.
    pub kind: Kind,
    /// Its `fdflags`, kept only to be told again: nothing here blocks or appends.
    pub flags: u16,
}

/// All of them, by number.
#[derive(Debug)]
pub struct Descriptors(Vec<Option<Descriptor>>);

impl Descriptors {
    /// 0 input, 1 `output`, 2 diagnostics, 3 the root directory.
    pub fn new(input: Id, output: Kind) -> Self {
        let kinds = [
            Kind::File { node: input, offset: 0 },
            output,
            Kind::Diagnostic,
            Kind::Directory { node: ROOT, preopened: true },
        ];
        Self(kinds.into_iter().map(|kind| Some(Descriptor { kind, flags: 0 })).collect())
    }

    fn slot(&mut self, fd: u32) -> Result<&mut Option<Descriptor>, Errno> {
        usize::try_from(fd).ok().and_then(|fd| self.0.get_mut(fd)).filter(|slot| slot.is_some()).ok_or(Errno::Badf)
    }

    /// An open descriptor.
    pub fn get(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slot(fd)?.as_mut().ok_or(Errno::Badf)
    }

    /// The directory that it stands for.
    pub fn directory(&mut self, fd: u32) -> Result<Id, Errno> {
        match self.get(fd)?.kind {
            Kind::Directory { node, .. } => Ok(node),
            _ => Err(Errno::Notdir),
        }
    }

    /// Gives the lowest free number.
    pub fn open(&mut self, kind: Kind, flags: u16) -> Result<u32, Errno> {
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

    /// Frees the number.
    pub fn close(&mut self, fd: u32) -> Result<(), Errno> {
        *self.slot(fd)? = None;
        Ok(())
    }

    /// Moves a descriptor onto another open one.
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
        Descriptors::new(Tree::default().detached(Vec::new()), Kind::Output)
    }

    #[test]
    fn the_lowest_free_number_up_to_the_limit() {
        let mut open = new();
        for fd in 4..128 {
            assert_eq!(open.open(Kind::Diagnostic, 0), Ok(fd));
        }
        assert_eq!(open.open(Kind::Diagnostic, 0), Err(Errno::Mfile));
        open.close(7).unwrap();
        assert_eq!(open.close(7), Err(Errno::Badf));
        assert_eq!(open.open(Kind::Output, 0), Ok(7));
    }

    #[test]
    fn moving_one_onto_another() {
        let mut open = new();
        open.renumber(1, 0).unwrap();
        assert_eq!(open.get(0).unwrap().kind, Kind::Output);
        assert_eq!(open.get(1), Err(Errno::Badf));
        open.renumber(0, 0).unwrap();
        assert_eq!(open.get(0).unwrap().kind, Kind::Output);
        assert_eq!(open.renumber(0, 1), Err(Errno::Badf));
        assert_eq!(open.renumber(9, 0), Err(Errno::Badf));
        assert_eq!(open.get(u32::MAX), Err(Errno::Badf));
    }
}
