//! Archives from a list of entries, in the format of the kernel's `usr/gen_init_cpio`:
//!
//! ```text
//! dir   /dev          0755 0 0
//! nod   /dev/console  0600 0 0 c 5 1
//! file  /init         build/init 0755 0 0
//! slink /bin/tool     /init 0777 0 0
//! ```
//!
//! Empty lines and lines that begin with `#` are ignored. A path to a source file is relative to the working folder. Of
//! a source file only the bytes matter: its mode, owner and times are ignored.

use std::path::Path;

use crate::cpio::{self, Entry, MAX_ARCHIVE, Node};
use crate::error::Error;
use crate::files;

/// Writes the archive that a list describes.
///
/// # Errors
/// [`Error::ListLine`], [`Error::Io`], [`Error::FileTooLarge`], and every error of [`cpio::write`].
pub fn archive_from_list(list: &str) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    let mut left = MAX_ARCHIVE;
    for item in items(list) {
        let item = item?;
        let data = match item.node {
            ListedNode::File(source) => files::read(Path::new(source), left)?,
            _ => Vec::new(),
        };
        left -= data.len() as u64;
        lines.push((item, data));
    }
    let entries: Vec<_> = lines.iter().map(|(item, data)| item.entry(data)).collect();
    cpio::write(&entries)
}

/// The source files that a list names. None of them is read.
///
/// # Errors
/// [`Error::ListLine`].
pub fn list_sources(list: &str) -> Result<Vec<&Path>, Error> {
    items(list).filter_map(|item| item.map(|item| item.source()).transpose()).collect()
}

/// The lines of a list that have an entry.
fn items(list: &str) -> impl Iterator<Item = Result<Line<'_>, Error>> {
    list.lines().zip(1..).filter_map(|(text, line)| {
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        if words.first().is_none_or(|word| word.starts_with('#')) {
            return None;
        }
        Some(Line::parse(&words).ok_or(Error::ListLine { line }))
    })
}

/// One line of the list.
struct Line<'a> {
    path: &'a str,
    mode: u32,
    uid: u32,
    gid: u32,
    node: ListedNode<'a>,
}

/// A [`Node`] of which a regular file is named and not yet read.
enum ListedNode<'a> {
    Directory,
    File(&'a str),
    Symlink(&'a str),
    CharDevice { major: u32, minor: u32 },
}

impl<'a> Line<'a> {
    fn parse(words: &[&'a str]) -> Option<Self> {
        let (path, [mode, uid, gid], node) = match *words {
            ["dir", path, mode, uid, gid] => (path, [mode, uid, gid], ListedNode::Directory),
            ["file", path, source, mode, uid, gid] => (path, [mode, uid, gid], ListedNode::File(source)),
            ["slink", path, target, mode, uid, gid] => (path, [mode, uid, gid], ListedNode::Symlink(target)),
            ["nod", path, mode, uid, gid, "c", major, minor] => {
                let device = ListedNode::CharDevice { major: major.parse().ok()?, minor: minor.parse().ok()? };
                (path, [mode, uid, gid], device)
            }
            _ => return None,
        };
        let mode = u32::from_str_radix(mode, 8).ok()?;
        Some(Self { path: path.strip_prefix('/')?, mode, uid: uid.parse().ok()?, gid: gid.parse().ok()?, node })
    }

    /// The source of a regular file.
    fn source(&self) -> Option<&'a Path> {
        match self.node {
            ListedNode::File(source) => Some(Path::new(source)),
            _ => None,
        }
    }

    /// The entry of this line. `data` is the content of a regular file.
    fn entry<'b>(&self, data: &'b [u8]) -> Entry<'b>
    where
        'a: 'b,
    {
        let node = match self.node {
            ListedNode::Directory => Node::Directory,
            ListedNode::File(_) => Node::File(data),
            ListedNode::Symlink(target) => Node::Symlink(target),
            ListedNode::CharDevice { major, minor } => Node::CharDevice { major, minor },
        };
        Entry { path: self.path, mode: self.mode, uid: self.uid, gid: self.gid, node }
    }
}
