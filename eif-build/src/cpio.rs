//! cpio archives, newc (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst), in one form:
//! sorted by path, each folder before what is in it, inodes numbered from 1, times, link counts and device of
//! the file system constant, hexadecimal digits upper case, no padding but to four bytes.

mod list;
mod read;
mod write;

pub use list::write_list;
pub use read::read;
pub use write::write;

use std::collections::BTreeSet;

use crate::error::Error;

/// The most bytes of an archive: no more is unpacked from an image.
pub const MAX_ARCHIVE: u64 = 64 << 20;
/// The most entries of an archive.
pub const MAX_ENTRIES: usize = 4096;
/// The most bytes of a path.
const MAX_PATH: usize = 255;
/// The most bytes of a link's target.
const MAX_TARGET: usize = 1023;
/// Linux has 12 bits of major and 20 of minor device number.
const MAX_MAJOR: u32 = 0xfff;
const MAX_MINOR: u32 = 0xf_ffff;
/// Permissions and the sticky bit: an image needs no setuid, no setgid.
const MAX_MODE: u32 = 0o1777;
/// The most that a uid or gid may be.
const MAX_ID: u32 = 0xffff;

/// Fields of the header in front of each entry, eight hexadecimal digits each, after the magic.
const FIELDS: usize = 13;
const MAGIC: &[u8] = b"070701";
const HEAD: usize = MAGIC.len() + FIELDS * 8;
const TRAILER: &str = "TRAILER!!!";

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// A folder.
    Directory,
    /// A regular file with these bytes.
    File(&'a [u8]),
    /// A symbolic link to this target.
    Symlink(&'a str),
    /// A character device.
    CharDevice {
        /// Its major number, 12 bits.
        major: u32,
        /// Its minor number, 20 bits.
        minor: u32,
    },
}

/// One entry of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Relative to the root, without a leading slash.
    pub path: &'a str,
    /// Permission bits, at most 0o1777.
    pub mode: u32,
    /// Owner, at most 65,535.
    pub uid: u32,
    /// Group, at most 65,535.
    pub gid: u32,
    /// What it is.
    pub node: Node<'a>,
}

impl<'a> Entry<'a> {
    fn data(&self) -> &'a [u8] {
        match self.node {
            Node::File(bytes) => bytes,
            Node::Symlink(target) => target.as_bytes(),
            Node::Directory | Node::CharDevice { .. } => &[],
        }
    }

    fn type_bits(&self) -> u32 {
        match self.node {
            Node::Directory => S_IFDIR,
            Node::File(_) => S_IFREG,
            Node::Symlink(_) => S_IFLNK,
            Node::CharDevice { .. } => S_IFCHR,
        }
    }

    /// The entry's header and path, padded to four bytes; `inode` counts from 1.
    fn head(&self, inode: u32) -> Result<Vec<u8>, Error> {
        let size = u32::try_from(self.data().len()).map_err(|_| bad_entry(self.path))?;
        // A folder has two links as everywhere; the kernel takes a file with two for a hard link.
        let links = if self.node == Node::Directory { 2 } else { 1 };
        let (major, minor) = match self.node {
            Node::CharDevice { major, minor } => (major, minor),
            _ => (0, 0),
        };
        let fields = [inode, self.type_bits() | self.mode, self.uid, self.gid, links, 0, size, 0, 0, major, minor];
        Ok(head(fields, self.path))
    }
}

const S_IFCHR: u32 = 0o020_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
const TYPE_MASK: u32 = 0o170_000;

/// A header with these fields, to which the path's size and the check (0 in newc) are added.
fn head(fields: [u32; FIELDS - 2], path: &str) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for field in fields.into_iter().chain([path.len() as u32 + 1, 0]) {
        out.extend(format!("{field:08X}").bytes());
    }
    out.extend(path.bytes());
    out.push(0);
    pad(&mut out);
    out
}

/// The archive's end.
fn trailer() -> Vec<u8> {
    head([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], TRAILER)
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn bad_entry(path: &str) -> Error {
    Error::CpioEntry { path: path.into() }
}

/// The rules for the entries of one archive, which writer and reader share.
#[derive(Default)]
struct Rules<'a> {
    count: usize,
    last: &'a str,
    folders: BTreeSet<&'a str>,
}

impl<'a> Rules<'a> {
    /// Admits the next entry or says why not.
    fn admit(&mut self, entry: &Entry<'a>) -> Result<(), Error> {
        self.count += 1;
        if self.count > MAX_ENTRIES {
            return Err(Error::CpioEntries { limit: MAX_ENTRIES });
        }
        let path = entry.path;
        let plain = path.len() <= MAX_PATH && path.bytes().all(|byte| byte.is_ascii_graphic());
        let parts = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let folder = path.rsplit_once('/').is_none_or(|(folder, _)| self.folders.contains(folder));
        if !plain || !parts || !folder || path < self.last || path == TRAILER {
            return Err(Error::CpioPath { path: path.into() });
        }
        if path == self.last {
            return Err(Error::CpioDuplicate { path: path.into() });
        }
        let node = match entry.node {
            Node::Directory | Node::File(_) => true,
            Node::Symlink(to) => (1..=MAX_TARGET).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_graphic()),
            Node::CharDevice { major, minor } => major <= MAX_MAJOR && minor <= MAX_MINOR,
        };
        if !node || entry.mode > MAX_MODE || entry.uid > MAX_ID || entry.gid > MAX_ID {
            return Err(bad_entry(path));
        }
        if entry.node == Node::Directory {
            self.folders.insert(path);
        }
        self.last = path;
        Ok(())
    }
}
