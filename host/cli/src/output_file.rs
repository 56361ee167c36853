//! Every output of every program.
//!
//! | the path is | what happens |
//! |---|---|
//! | `-` or `/dev/stdout` | standard output gets the bytes |
//! | a regular file, or a link to one | the file is replaced by a rename, keeps its mode, and the link stays |
//! | a FIFO, a device, `/dev/fd/N` | the bytes are written into it |
//! | free | a file is created under a random name, without following a link, and renamed |
//! | a folder, or a link to nothing | an error |

use crate::arguments::STDIN;
use crate::interrupt::{Registered, removed_on_interrupt};
use crate::streams;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Who may read an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Only the user of this process: mode 0600. A file that is replaced loses the rights of others, its owner's too.
    Owner,
    /// Everyone whom the umask allows: mode 0666 without the umask. A file that is replaced keeps its mode.
    Umask,
}

/// What happens to a regular file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// The output fails with [`ErrorKind::AlreadyExists`].
    Refuse,
}

/// An output that is being written. If it is dropped or the program is interrupted, a regular file is unchanged.
pub struct OutputFile(Target);

enum Target {
    Stdout,
    Special(File),
    Regular { temporary: tempfile::NamedTempFile, path: PathBuf, existing: Existing, _registered: Registered },
}

/// What a path leads to.
enum Found {
    Stdout,
    /// A link of the kernel to an open descriptor.
    Descriptor(PathBuf),
    /// The path without links in its last part, and what is there.
    Path(PathBuf, Option<Metadata>),
}

/// Whether the path stands for standard output. A program that prints a result must then print it elsewhere.
pub fn is_stdout(path: &Path) -> bool {
    matches!(find(path), Ok(Found::Stdout))
}

/// Writes an output, or nothing.
///
/// # Errors
/// As [`OutputFile::create`] and [`OutputFile::keep`].
pub fn write(path: &Path, bytes: &[u8], readers: Readers, existing: Existing) -> io::Result<()> {
    let mut file = OutputFile::create(path, readers, existing)?;
    file.write_all(bytes)?;
    file.keep()
}

impl OutputFile {
    /// Opens an output. A regular file is not yet changed.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] for a regular file that must not be replaced, [`ErrorKind::IsADirectory`] for a
    /// folder, [`ErrorKind::NotFound`] for a link to nothing, and those of the operating system.
    pub fn create(path: &Path, readers: Readers, existing: Existing) -> io::Result<Self> {
        match find(path)? {
            Found::Stdout => streams::check_output().map(|()| Self(Target::Stdout)),
            Found::Descriptor(path) => {
                File::options().write(true).truncate(true).open(path).map(Target::Special).map(Self)
            }
            Found::Path(_, Some(metadata)) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
            Found::Path(path, Some(metadata)) if !metadata.is_file() => {
                open_special(&path).map(Target::Special).map(Self)
            }
            Found::Path(_, Some(_)) if existing == Existing::Refuse => Err(ErrorKind::AlreadyExists.into()),
            Found::Path(path, old) => Self::replace(path, old.as_ref(), readers, existing),
        }
    }

    fn replace(path: PathBuf, old: Option<&Metadata>, readers: Readers, existing: Existing) -> io::Result<Self> {
        let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
        let folder = folder_of(&path);
        let make = || {
            let mut builder = tempfile::Builder::new();
            // The name is random and the file is created with O_EXCL.
            builder.prefix(".capelet-").permissions(Permissions::from_mode(mode)).tempfile_in(folder)
        };
        let (temporary, registered) = removed_on_interrupt(make)?;
        if let Some(old) = old {
            keep_owner_and_mode(temporary.as_file(), old, readers)?;
        }
        Ok(Self(Target::Regular { temporary, path, existing, _registered: registered }))
    }

    /// Writes a regular file to disk while it is still being made, until the returned value is dropped. Less is then left
    /// for [`OutputFile::keep`] to wait for. `None` for other outputs, or without a thread.
    pub fn sync_early(&self) -> Option<EarlySync> {
        /// The pause between two syncs. A small file is complete before the first one.
        const PAUSE: Duration = Duration::from_millis(50);
        let Target::Regular { temporary, .. } = &self.0 else { return None };
        // A file opened anew: the kernel reports a failed write once to each opened file, and `keep` must learn of it.
        let file = File::open(temporary.path()).ok()?;
        let (until, dropped) = channel::<()>();
        let sync = move || {
            while dropped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let _ = file.sync_data();
            }
        };
        std::thread::Builder::new().name("sync".into()).spawn(sync).ok()?;
        Some(EarlySync { _until: until })
    }

    /// Completes the output: a regular file is synced to disk and renamed to its path.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if a file appeared meanwhile that must not be replaced; those of the operating
    /// system.
    pub fn keep(self) -> io::Result<()> {
        if let Target::Regular { temporary, .. } = &self.0 {
            // It is synced before it is renamed, so that a crash leaves the old file or the new one.
            temporary.as_file().sync_all()?;
        }
        self.rename()?.sync_folder()
    }

    /// Completes the output like [`OutputFile::keep`], but does not wait for the disk. Programs see the whole file, and
    /// an interrupt no longer removes it.
    ///
    /// # Errors
    /// Those of [`OutputFile::keep`].
    pub fn rename(self) -> io::Result<RenamedFile> {
        let Target::Regular { temporary, path, existing, _registered } = self.0 else { return Ok(RenamedFile(None)) };
        let file = match existing {
            Existing::Replace => temporary.persist(&path)?,
            Existing::Refuse => temporary.persist_noclobber(&path)?,
        };
        Ok(RenamedFile(Some((file, path))))
    }
}

/// The thread of [`OutputFile::sync_early`]. It ends when this value is dropped.
pub struct EarlySync {
    _until: Sender<()>,
}

/// A complete output. A crash of the machine may lose it, and the file that it replaced, until [`RenamedFile::sync`].
#[must_use]
pub struct RenamedFile(Option<(File, PathBuf)>);

impl RenamedFile {
    /// Waits until the disk has the file and its name.
    ///
    /// # Errors
    /// Those of the operating system. It is then not known what the disk has.
    pub fn sync(self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |(file, _)| file.sync_all())?;
        self.sync_folder()
    }

    /// Syncs the folder, so that the new name survives a crash. One that may not be read cannot be synced.
    fn sync_folder(self) -> io::Result<()> {
        let Some((_, path)) = self.0 else { return Ok(()) };
        match File::open(folder_of(&path)) {
            Ok(folder) => folder.sync_all(),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Target::Stdout => streams::Output.write(bytes),
            Target::Special(file) => file.write(bytes),
            Target::Regular { temporary, .. } => temporary.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Follows the links in the last part of a path. Links to descriptors stay, because what they name may have no path.
fn find(path: &Path) -> io::Result<Found> {
    /// The most links that the kernel follows.
    const MAX_LINKS: usize = 40;
    if path == Path::new("-") || path == Path::new(STDIN) {
        return Ok(Found::Stdout);
    }
    let mut path = path.to_owned();
    for links in 0..=MAX_LINKS {
        let folder = fs::canonicalize(folder_of(&path))?;
        if folder.starts_with("/proc") {
            let own = folder == Path::new("/proc").join(std::process::id().to_string()).join("fd");
            let stdout = own && path.file_name().is_some_and(|name| name == "1");
            return Ok(if stdout { Found::Stdout } else { Found::Descriptor(path) });
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => path = folder.join(fs::read_link(&path)?),
            Ok(metadata) => return Ok(Found::Path(path, Some(metadata))),
            Err(error) if error.kind() == ErrorKind::NotFound && links == 0 => return Ok(Found::Path(path, None)),
            Err(error) => return Err(error),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Opens a FIFO or a device. A FIFO waits for its reader.
fn open_special(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    // Another file took its place since.
    if file.metadata()?.is_file() { Err(ErrorKind::AlreadyExists.into()) } else { Ok(file) }
}

/// Gives a new file the owner and the mode of the file that it replaces.
fn keep_owner_and_mode(file: &File, old: &Metadata, readers: Readers) -> io::Result<()> {
    let new = file.metadata()?;
    // A private file belongs to the user of this process, even if another user owned the old file.
    if readers == Readers::Umask && (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give files away. A user who replaces another one's file owns the new one.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    let kept = if readers == Readers::Owner { 0o700 } else { 0o777 };
    file.set_permissions(Permissions::from_mode(old.mode() & kept))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        write(path, bytes, Readers::Umask, Existing::Replace)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn replaces_files_completely_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old", Readers::Owner, Existing::Refuse).unwrap();
        let mut dropped = OutputFile::create(&path, Readers::Owner, Existing::Replace).unwrap();
        dropped.write_all(b"a part of it").unwrap();
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_renamed_file_is_complete_before_it_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let renamed = |name: &str| {
            let mut file = OutputFile::create(&inside.join(name), Readers::Owner, Existing::Refuse).unwrap();
            file.write_all(b"all").unwrap();
            file.rename().unwrap()
        };
        let (first, second) = (renamed("first"), renamed("second"));
        assert_eq!(fs::read(inside.join("first")).unwrap(), b"all");
        first.sync().unwrap();
        // The name can no longer be synced.
        fs::rename(&inside, folder.path().join("elsewhere")).unwrap();
        assert_eq!(second.sync().unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_regular_file_may_be_synced_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = OutputFile::create(&path, Readers::Owner, Existing::Refuse).unwrap();
        let early = file.sync_early();
        assert!(early.is_some());
        file.write_all(b"all").unwrap();
        std::thread::sleep(Duration::from_millis(120));
        file.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        let other = OutputFile::create(Path::new("/dev/null"), Readers::Owner, Existing::Replace).unwrap();
        assert!(other.sync_early().is_none());
    }

    #[test]
    fn keeps_the_mode_but_never_lets_others_read_what_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        for (before, readers, after) in
            [(0o400, Readers::Umask, 0o400), (0o664, Readers::Umask, 0o664), (0o644, Readers::Owner, 0o600)]
        {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            write(&path, b"new", readers, Existing::Replace).unwrap();
            assert_eq!(mode(&path), after);
        }
    }

    #[test]
    fn writes_through_links_and_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link, further, nothing] =
            ["real", "link", "further", "nothing"].map(|name| folder.path().join(name));
        fs::write(&real, "old").unwrap();
        symlink("real", &link).unwrap();
        symlink(&link, &further).unwrap();
        replace(&further, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(
            fs::symlink_metadata(&further).unwrap().is_symlink() && fs::symlink_metadata(&link).unwrap().is_symlink()
        );
        symlink("absent", &nothing).unwrap();
        assert_eq!(replace(&nothing, b"x").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!folder.path().join("absent").exists());
    }

    #[test]
    fn writes_into_what_is_not_a_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::read(fifo).unwrap()
        });
        write(&fifo, b"through", Readers::Owner, Existing::Refuse).unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(!fs::symlink_metadata(&fifo).unwrap().is_file());
        assert_eq!(replace(folder.path(), b"x").unwrap_err().kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn refuses_to_replace_a_file_that_appeared_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let output = OutputFile::create(&path, Readers::Umask, Existing::Refuse).unwrap();
        fs::write(&path, "another's").unwrap();
        assert_eq!(output.keep().unwrap_err().kind(), ErrorKind::AlreadyExists);
        let early = write(&path, b"x", Readers::Umask, Existing::Refuse);
        assert_eq!(early.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"another's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_private_is_not_given_to_the_owner_of_the_old_file() {
        const NOBODY: u32 = 65534;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (readers, given) in [(Readers::Umask, true), (Readers::Owner, false)] {
            fs::write(&path, "old").unwrap();
            if std::os::unix::fs::chown(&path, Some(NOBODY), None).is_err() {
                // Only root can make this test's file.
                return;
            }
            write(&path, b"new", readers, Existing::Replace).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().uid() == NOBODY, given, "{readers:?}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_takes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o300)).unwrap();
        let written = write(&folder.path().join("file"), b"x", Readers::Umask, Existing::Refuse);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        written.unwrap();
    }

    #[test]
    fn knows_the_names_of_standard_output() {
        for (path, stdout) in [
            ("-", true),
            // As `arguments::parse` returns a positional `-`.
            (STDIN, true),
            ("/dev/stdout", true),
            ("/proc/self/fd/1", true),
            ("./-", false),
            ("x", false),
        ] {
            assert_eq!(is_stdout(Path::new(path)), stdout, "{path}");
        }
    }
}
