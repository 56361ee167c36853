//! The state folder of an enclave under QEMU: sockets, the record of its processes, and the console.

use super::process::{GRACE, Process, boot};
use capelet_cli::private_file::CHANGED_BY_OTHERS;
use capelet_parent::{
    Error, FolderFault, FolderPurpose, Links, OwnedFolder, is_marked, parse_json, read_private, write_private,
};
use serde_json::{Value, json};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest record, in bytes.
const MAX_RECORD: usize = 64 << 10;
/// The longest path of the folder. A socket's path has at most 108 bytes with the NUL (unix(7)), and the longest name
/// in the folder takes 11.
const MAX_PATH: usize = 96;
/// How long `enclave run` has to end its two programs before `terminate` ends them instead. Each takes up to one grace
/// until it is killed; the third is for the rest.
const PATIENCE: Duration = GRACE.saturating_mul(3);

/// The marker of a state folder. `capelet-parent serve` may have put its sockets there before.
const STATE: FolderPurpose = FolderPurpose {
    name: "the state folder of an enclave",
    marker: "layout",
    content: b"capelet enclave 1\n",
    may_precede: |name| {
        name.strip_prefix("vsock_")
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    },
};

/// A state folder that only this user can access.
pub struct State(PathBuf);

/// The record of a started enclave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub image: PathBuf,
    pub pcr0: String,
    pub development: bool,
    pub cid: u32,
    /// `enclave run` itself, then the backend, then the machine, as far as they were started.
    pub processes: Vec<Process>,
}

impl State {
    /// Opens the folder of a new enclave, and creates it if it does not exist.
    pub fn make(folder: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(false).mode(0o700).create(folder);
        match made {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(unusable(folder, error)),
            _ => Self::open(folder),
        }
    }

    /// Opens the folder of an enclave. It rejects a link, a folder of another user, and a folder that others can
    /// access.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        // A link could lead to a folder of this user that has another purpose.
        let link = fs::symlink_metadata(folder).map_err(|error| unusable(folder, error))?.is_symlink();
        let path = folder.canonicalize().map_err(|error| unusable(folder, error))?;
        let metadata = fs::symlink_metadata(&path).map_err(|error| unusable(folder, error))?;
        let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        // A comma would end an argument of QEMU.
        let text = path.to_str().filter(|text| text.len() <= MAX_PATH && !text.contains(','));
        if link || !ours || metadata.mode() & 0o077 != 0 || text.is_none() {
            return Err(Error::StateFolder(path));
        }
        Ok(Self(path))
    }

    /// The socket to which the parent connects (the uds-path of vhost-device-vsock).
    pub fn vsock(&self) -> PathBuf {
        self.0.join("vsock")
    }

    /// The socket between the backend and the machine.
    pub fn vhost(&self) -> PathBuf {
        self.0.join("vhost")
    }

    /// The copy of the measured image.
    pub fn image(&self) -> PathBuf {
        self.0.join("image.eif")
    }

    /// The file with the machine's console.
    pub fn console(&self) -> PathBuf {
        self.0.join("console")
    }

    /// The file with the backend's log.
    pub fn log(&self) -> PathBuf {
        self.0.join("backend.log")
    }

    fn record(&self) -> PathBuf {
        self.0.join("enclave.json")
    }

    /// Locks the folder, and marks it at the first use. `enclave run` keeps the lock until it ends.
    pub fn lock(&self) -> Result<OwnedFolder, Error> {
        let lock = OwnedFolder::open(&self.0, &STATE).map_err(|fault| match fault {
            FolderFault::InUse => Error::EnclaveRuns(self.0.clone()),
            fault => fault.into_error(&self.0, &STATE),
        })?;
        // The previous `enclave run` may have been killed while its programs continue.
        if let Some(record) = self.read()? {
            for process in &record.processes {
                if process.living()?.is_some() {
                    return Err(Error::EnclaveRuns(self.0.clone()));
                }
            }
        }
        self.clear()?;
        Ok(lock)
    }

    /// Writes the record. A reader sees the previous record or this one, never a part.
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let processes: Vec<_> =
            record.processes.iter().map(|p| json!({"name": p.name, "pid": p.pid, "start": p.start})).collect();
        let json = json!({
            "image": record.image, "pcr0": record.pcr0, "development": record.development, "cid": record.cid,
            "boot": boot()?, "processes": processes,
        });
        write_private(&self.record(), json.to_string().as_bytes())
    }

    /// Reads the record. `None` if no record exists, or if it is from an earlier boot of the machine.
    pub fn read(&self) -> Result<Option<Record>, Error> {
        // A record in a folder without the marker was written by something else, or by an older version. A folder of
        // something else is refused also if it has no record: it has no enclave about which anything could be said.
        if !is_marked(&self.0, &STATE).map_err(|fault| fault.into_error(&self.0, &STATE))? {
            return Ok(None);
        }
        let path = self.record();
        let json = match read_private(&path, MAX_RECORD, Links::Refuse, CHANGED_BY_OTHERS) {
            Ok(bytes) => parse_json(&bytes),
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (boots, record) = json.as_ref().and_then(parse).ok_or(Error::StateFolder(path))?;
        Ok((boots == boot()?).then_some(record))
    }

    /// Removes the files of an enclave that has ended, except the console and the backend's log.
    pub fn clear(&self) -> Result<(), Error> {
        for path in [self.vhost(), self.vsock(), self.image(), self.record()] {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::File { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The members that `describe` prints about the folder's enclave. `None` if no enclave was started.
    pub fn describe(&self) -> Result<Option<Value>, Error> {
        let Some(record) = self.read()? else { return Ok(None) };
        let mut processes = Vec::new();
        let mut all = true;
        for process in &record.processes {
            let running = process.living()?.is_some();
            all &= running;
            processes.push(json!({"name": process.name, "pid": process.pid, "running": running}));
        }
        Ok(Some(json!({
            "running": all && processes.len() == 3, "transport": format!("qemu:{}", self.vsock().display()),
            "image_file": record.image, "pcr0": record.pcr0, "development": record.development, "cid": record.cid,
            "processes": processes,
        })))
    }

    /// Ends the enclave. It asks `enclave run` to end its programs. If that is gone or does not, it ends them itself.
    pub fn terminate(&self) -> Result<(), Error> {
        let record = self.read()?.ok_or_else(|| Error::NoEnclave(self.0.display().to_string()))?;
        if let Some(run) = record.processes.first().map(Process::living).transpose()?.flatten() {
            run.ask(PATIENCE)?;
        }
        // `enclave run` removes its record, and another one may have started since. Its programs must not be ended.
        if self.read()?.as_ref() == Some(&record) { self.end(&record) } else { Ok(()) }
    }

    /// Ends the programs that `enclave run` started, in reverse order, and removes the files.
    pub fn end(&self, record: &Record) -> Result<(), Error> {
        for process in record.processes.iter().skip(1).rev() {
            if let Some(living) = process.living()? {
                living.end()?;
            }
        }
        self.clear()
    }
}

fn unusable(folder: &Path, source: std::io::Error) -> Error {
    Error::File { path: folder.to_owned(), source }
}

/// A record, and the id of the boot in which it was written.
fn parse(json: &Value) -> Option<(String, Record)> {
    let process = |json: &Value| {
        let pid = json["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())?;
        Some(Process { name: json["name"].as_str()?.into(), pid, start: json["start"].as_u64()? })
    };
    let record = Record {
        image: json["image"].as_str()?.into(),
        pcr0: json["pcr0"].as_str()?.into(),
        development: json["development"].as_bool()?,
        cid: json["cid"].as_u64().and_then(|cid| u32::try_from(cid).ok())?,
        processes: json["processes"].as_array()?.iter().map(process).collect::<Option<_>>()?,
    };
    Some((json["boot"].as_str()?.into(), record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn rejects_folders_that_others_can_access_and_invalid_paths() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        State::make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(State::make(&path), Err(Error::StateFolder(_))));
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        assert!(matches!(State::open(&folder.path().join("link")), Err(Error::StateFolder(_))));
        assert!(matches!(State::make(&folder.path().join("a,b")), Err(Error::StateFolder(_))));
        assert!(matches!(State::make(&folder.path().join("x".repeat(100))), Err(Error::StateFolder(_))));
        assert!(matches!(State::open(&folder.path().join("none")), Err(Error::File { .. })));
    }

    #[test]
    fn reads_a_record_and_rejects_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::make(&folder.path().join("state")).unwrap();
        assert!(state.read().unwrap().is_none());
        drop(state.lock().unwrap());
        let ours = Process::new("this", std::process::id()).unwrap();
        let record =
            Record { image: "/i".into(), pcr0: "ab".into(), development: true, cid: 16, processes: vec![ours] };
        state.write(&record).unwrap();
        assert_eq!(state.read().unwrap().unwrap(), record);
        // Its processes are alive, so another enclave cannot use the folder.
        assert!(matches!(state.lock(), Err(Error::EnclaveRuns(_))));
        let text = fs::read_to_string(state.record()).unwrap();
        // The record of another boot is ignored, because its process ids are meaningless now.
        fs::write(state.record(), text.replace(&boot().unwrap(), "another")).unwrap();
        assert!(state.read().unwrap().is_none());
        for damaged in [
            "",
            "{}",
            &text[1..],
            &text.replace("16", "-16"),
            &text.replace("\"cid\"", "\"cid\":16,\"cid\""),
            &text.replace("\"pid\"", "\"dip\""),
        ] {
            fs::write(state.record(), damaged).unwrap();
            assert!(matches!(state.read(), Err(Error::StateFolder(_))), "{damaged}");
        }
    }
}
