//! Reading archives strictly.

use super::{Entry, FIELDS, HEAD, MAGIC, Node, Rules, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, TYPE_MASK, trailer};
use crate::error::Error;

/// The entries of an archive, sorted by path, borrowed from it.
///
/// # Errors
/// Whatever [`super::write`] would not have written byte for byte.
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
        let entry = entry(rest).ok_or(not_canonical.clone())?;
        rules.admit(&entry)?;
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

/// What the bytes seem to say; the caller compares with the one encoding.
fn entry(bytes: &[u8]) -> Option<Entry<'_>> {
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
