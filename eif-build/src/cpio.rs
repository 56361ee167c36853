//! cpio archives in the format newc, in one canonical form (Linux, Documentation/driver-api/early-userspace/
//! buffer-format.rst).
//!
//! - Entries are sorted by path. Each folder comes before its content.
//! - Inodes count from 1. Times, link counts and the device of the file system are constant.
//! - Hexadecimal digits are upper case. Padding extends to a multiple of four bytes only.
//!
//! [`read()`] accepts exactly the bytes that [`write()`] produces.

use std::collections::BTreeSet;

use crate::error::Error;

/// The largest size of an archive, in bytes. A ramdisk that unpacks to more is refused.
pub const MAX_ARCHIVE: u64 = 64 << 20;
/// The largest number of entries in an archive.
pub const MAX_ENTRIES: usize = 4096;
/// The longest path, in bytes.
const MAX_PATH: usize = 255;
/// The longest target of a symbolic link, in bytes.
const MAX_TARGET: usize = 1023;
/// The largest major device number. Linux has 12 bits for it.
const MAX_MAJOR: u32 = 0xfff;
/// The largest minor device number. Linux has 20 bits for it.
const MAX_MINOR: u32 = 0xf_ffff;
/// The allowed mode bits: permissions and the sticky bit. An image needs neither setuid nor setgid.
const MAX_MODE: u32 = 0o1777;
/// The largest uid or gid.
const MAX_ID: u32 = 0xffff;

/// The number of fields in the header of an entry. Each has eight hexadecimal digits. They follow the magic.
const FIELDS: usize = 13;
/// The first bytes of every header: newc without checksums.
const MAGIC: &[u8] = b"070701";
/// The size of a header, in bytes.
const HEAD: usize = MAGIC.len() + FIELDS * 8;
/// The path of the last entry, which ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// The type and the content of an entry.
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
        /// The major number, 12 bits.
        major: u32,
        /// The minor number, 20 bits.
        minor: u32,
    },
}

/// One entry of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The path, relative to the root, without a leading slash.
    pub path: &'a str,
    /// The permission bits, at most 0o1777.
    pub mode: u32,
    /// The owner's uid, at most 65,535.
    pub uid: u32,
    /// The gid, at most 65,535.
    pub gid: u32,
    /// The type and the content.
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

    /// The header and the path of the entry, padded to four bytes. `inode` counts from 1.
    fn head(&self, inode: u32) -> Result<Vec<u8>, Error> {
        let size = u32::try_from(self.data().len()).map_err(|_| bad_entry(self.path))?;
        // A folder has two links. A file must have one, because the kernel treats a file with two as a hard link.
        let links = if self.node == Node::Directory { 2 } else { 1 };
        let (major, minor) = match self.node {
            Node::CharDevice { major, minor } => (major, minor),
            _ => (0, 0),
        };
        let fields = [inode, self.type_bits() | self.mode, self.uid, self.gid, links, 0, size, 0, 0, major, minor];
        Ok(head(fields, self.path))
    }
}

/// The type bits of a mode (Linux, include/uapi/linux/stat.h).
const S_IFCHR: u32 = 0o020_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
const TYPE_MASK: u32 = 0o170_000;

/// A header and a path. This function adds two fields: the size of the path, and the check, which is 0 in newc.
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

/// The last entry of an archive.
fn trailer() -> Vec<u8> {
    head([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], TRAILER)
}

/// Pads with zeros to a multiple of four bytes.
fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn bad_entry(path: &str) -> Error {
    Error::CpioEntry { path: path.into() }
}

/// The rules for the entries of one archive. Writer and reader share them.
#[derive(Default)]
struct Rules<'a> {
    count: usize,
    last: &'a str,
    folders: BTreeSet<&'a str>,
}

impl<'a> Rules<'a> {
    /// Checks the next entry, which must come after all entries that were checked before.
    ///
    /// # Errors
    /// [`Error::CpioEntries`], [`Error::CpioPath`], [`Error::CpioDuplicate`], [`Error::CpioEntry`].
    fn check(&mut self, entry: &Entry<'a>) -> Result<(), Error> {
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

/// Writes an archive of these entries. The order of `entries` does not matter.
///
/// # Errors
/// [`Error::CpioPath`], [`Error::CpioDuplicate`], [`Error::CpioEntry`], [`Error::CpioEntries`].
pub fn write(entries: &[Entry<'_>]) -> Result<Vec<u8>, Error> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.path);
    let mut rules = Rules::default();
    let mut out = Vec::new();
    for (entry, inode) in sorted.into_iter().zip(1..) {
        rules.check(entry)?;
        out.extend(entry.head(inode)?);
        out.extend(entry.data());
        pad(&mut out);
    }
    out.extend(trailer());
    Ok(out)
}

/// Reads the entries of an archive. They are sorted by path, and borrow from the archive.
///
/// # Errors
/// [`Error::CpioNotCanonical`] for bytes that [`write()`] would not produce, and every error of [`write()`].
pub fn read(archive: &[u8]) -> Result<Vec<Entry<'_>>, Error> {
    let end = trailer();
    let mut entries = Vec::new();
    let mut rules = Rules::default();
    let mut at = 0;
    for inode in 1.. {
        let not_canonical = Error::CpioNotCanonical { at: at as u64 };
        let rest = archive.get(at..).unwrap_or_default();
        if rest == end {
            break;
        }
        let entry = decode_entry(rest).ok_or(not_canonical.clone())?;
        rules.check(&entry)?;
        let head = entry.head(inode)?;
        let data_end = head.len() + entry.data().len();
        let whole = rest.get(..data_end.next_multiple_of(4)).ok_or(not_canonical.clone())?;
        let padding = whole.get(data_end..).unwrap_or_default();
        if !whole.starts_with(&head) || padding.iter().any(|byte| *byte != 0) {
            return Err(not_canonical);
        }
        at += whole.len();
        entries.push(entry);
    }
    Ok(entries)
}

/// Decodes the entry at the start of `bytes`. This decoder is lax. The caller compares with the only valid encoding.
fn decode_entry(bytes: &[u8]) -> Option<Entry<'_>> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let digits = head.strip_prefix(MAGIC)?;
    let mut fields = [0; FIELDS];
    for (field, digits) in fields.iter_mut().zip(digits.chunks_exact(8)) {
        *field = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    let [_inode, mode, uid, gid, _links, _time, size, _major, _minor, major, minor, path_size, _check] = fields;
    let path_size = usize::try_from(path_size).ok()?;
    let path = std::str::from_utf8(rest.get(..path_size.checked_sub(1)?)?).ok()?;
    let data = (HEAD + path_size).next_multiple_of(4);
    let data = bytes.get(data..data.checked_add(usize::try_from(size).ok()?)?)?;
    let node = match mode & TYPE_MASK {
        S_IFDIR => Node::Directory,
        S_IFREG => Node::File(data),
        S_IFLNK => Node::Symlink(std::str::from_utf8(data).ok()?),
        S_IFCHR => Node::CharDevice { major, minor },
        _ => return None,
    };
    Some(Entry { path, mode: mode & !TYPE_MASK, uid, gid, node })
}
