//! Archives from a list, in the form of the kernel's `usr/gen_init_cpio`:
//!
//! ```text
//! dir   /dev          0755 0 0
//! nod   /dev/console  0600 0 0 c 5 1
//! file  /init         build/init 0755 0 0
//! slink /bin/tool     /init 0777 0 0
//! ```
//!
//! Empty lines and lines that begin with `#` say nothing. Files are read relative to the working folder; of
//! them only their bytes count.

use std::path::Path;

use super::{Entry, MAX_ARCHIVE, Node, write};
use crate::error::Error;
use crate::files;

/// The archive that a list describes.
///
/// # Errors
/// [`Error::ListLine`], [`Error::Io`], [`Error::FileTooLarge`] and those of [`super::write`].
pub fn write_list(list: &str) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    let mut left = MAX_ARCHIVE;
    for (text, line) in list.lines().zip(1..) {
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        if words.first().is_none_or(|word| word.starts_with('#')) {
            continue;
        }
        let item = Item::parse(&words).ok_or(Error::ListLine { line })?;
        let data = match item.what {
            What::File(source) => files::read(Path::new(source), left)?,
            _ => Vec::new(),
        };
        left -= data.len() as u64;
        lines.push((item, data));
    }
    let entries: Vec<_> = lines.iter().map(|(item, data)| item.entry(data)).collect();
    write(&entries)
}

struct Item<'a> {
    path: &'a str,
    mode: u32,
    uid: u32,
    gid: u32,
    what: What<'a>,
}

enum What<'a> {
    Directory,
    File(&'a str),
    Symlink(&'a str),
    CharDevice { major: u32, minor: u32 },
}

impl<'a> Item<'a> {
    fn parse(words: &[&'a str]) -> Option<Self> {
        let (path, [mode, uid, gid], what) = match *words {
            ["dir", path, mode, uid, gid] => (path, [mode, uid, gid], What::Directory),
            ["file", path, source, mode, uid, gid] => (path, [mode, uid, gid], What::File(source)),
            ["slink", path, target, mode, uid, gid] => (path, [mode, uid, gid], What::Symlink(target)),
            ["nod", path, mode, uid, gid, "c", major, minor] => {
                let device = What::CharDevice { major: major.parse().ok()?, minor: minor.parse().ok()? };
                (path, [mode, uid, gid], device)
            }
            _ => return None,
        };
        let mode = u32::from_str_radix(mode, 8).ok()?;
        Some(Self { path: path.strip_prefix('/')?, mode, uid: uid.parse().ok()?, gid: gid.parse().ok()?, what })
    }

    fn entry<'b>(&self, data: &'b [u8]) -> Entry<'b>
    where
        'a: 'b,
    {
        let node = match self.what {
            What::Directory => Node::Directory,
            What::File(_) => Node::File(data),
            What::Symlink(target) => Node::Symlink(target),
            What::CharDevice { major, minor } => Node::CharDevice { major, minor },
        };
        Entry { path: self.path, mode: self.mode, uid: self.uid, gid: self.gid, node }
    }
}
