//! Files that the enclave's programs write and that are kept after their end: the console and the backend's log.

use super::printable::Printable;
use capelet_cli::private_file::CHANGED_BY_OTHERS;
use capelet_parent::{Error, Links, open_private};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The most lines of a tail.
const MAX_LINES: usize = 20;
/// The most bytes of the file that a tail reads. Escaping can make each of them four characters.
const MAX_BYTES: u64 = 4096;

/// Creates an empty file that only this user can read and write. It replaces the file of an earlier enclave. A link is
/// replaced, not followed.
pub fn create(path: &Path) -> Result<File, Error> {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    // `create_new` is O_CREAT with O_EXCL, which fails at a link.
    let created = removed.and_then(|()| File::options().write(true).create_new(true).mode(0o600).open(path));
    created.map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Opens the file for reading. It fails if the file is a link, or if other users can change it.
pub fn open(path: &Path) -> io::Result<File> {
    open_private(path, Links::Refuse, CHANGED_BY_OTHERS).map_err(|error| match error {
        Error::File { source, .. } => source,
        error => io::Error::other(error),
    })
}

/// The last lines, escaped by [`Printable`]. The list is empty if the file is. At most [`MAX_BYTES`] are read, so the
/// first line may lack its beginning.
pub fn tail(path: &Path) -> io::Result<Vec<String>> {
    let mut file = open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_BYTES)))?;
    let mut printable = Printable::new(Vec::new());
    // Limited again, because the file may be growing.
    io::copy(&mut file.take(MAX_BYTES), &mut printable)?;
    let text = printable.into_inner();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    Ok(lines.into_iter().rev().take(MAX_LINES).rev().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn tail_of(bytes: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        fs::write(&path, bytes).unwrap();
        tail(&path).unwrap()
    }

    #[test]
    fn tail_has_the_last_lines_and_escapes_them() {
        assert!(tail_of(b"").is_empty());
        assert_eq!(tail_of(b"one\r\n\x1b[2Jtwo"), ["one", r"\x1b[2Jtwo"]);
        let many: String = (0..100).map(|number| format!("{number}\r\n")).collect();
        let lines: Vec<_> = (80..100).map(|number| number.to_string()).collect();
        assert_eq!(tail_of(many.as_bytes()), lines);
    }

    #[test]
    fn tail_of_one_long_line_is_bounded() {
        let limit = usize::try_from(MAX_BYTES).unwrap();
        assert_eq!(tail_of(&[b'x'; 100_000]), ["x".repeat(limit)]);
        assert_eq!(tail_of(&[0; 100_000]), [r"\x00".repeat(limit)]);
    }

    #[test]
    fn tail_does_not_read_a_huge_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        // A sparse file of 1 TiB. Reading all of it would take hours.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(tail(&path).unwrap().len(), 1);
    }

    #[test]
    fn links_are_replaced_at_creation_and_refused_at_reading() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("console"), folder.path().join("victim"));
        fs::write(&victim, "kept").unwrap();
        symlink(&victim, &path).unwrap();
        assert!(tail(&path).is_err());
        create(&path).unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file() && metadata.mode() & 0o777 == 0o600);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
        // A folder is not replaced.
        assert!(matches!(create(folder.path()), Err(Error::File { .. })));
    }
}
