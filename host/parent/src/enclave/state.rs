//! The state folder of an enclave under QEMU: sockets, what was started, the console.

use super::process::{Process, boot};
use capelet_parent::Error;
use capelet_parent::settings::read_file;
use serde_json::{Value, json};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest record.
const MAX_RECORD: usize = 64 << 10;
/// The longest path: a socket's has 108 bytes with the NUL (unix(7)), and the longest name in here takes 11.
const MAX_PATH: usize = 96;
/// How long `enclave run` may take to end what it started, before that is done in its place.
const PATIENCE: Duration = Duration::from_secs(15);

/// A folder that only this user can use.
pub struct State(PathBuf);

/// What was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub image: PathBuf,
    pub pcr0: String,
    pub development: bool,
    pub cid: u32,
    /// `enclave run` itself, the backend, the machine, as far as they were started.
    pub processes: Vec<Process>,
}

impl State {
    /// The folder of a new enclave, made if it is not there.
    pub fn make(folder: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(false).mode(0o700).create(folder);
        match made {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(unusable(folder, error)),
            _ => Self::open(folder),
        }
    }

    /// The folder of an enclave.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        // A link could lead to a folder of this user's that is something else.
        let link = fs::symlink_metadata(folder).map_err(|error| unusable(folder, error))?.is_symlink();
        let path = folder.canonicalize().map_err(|error| unusable(folder, error))?;
        let metadata = fs::symlink_metadata(&path).map_err(|error| unusable(folder, error))?;
        let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        // A comma ends an argument of QEMU's.
        let text = path.to_str().filter(|text| text.len() <= MAX_PATH && !text.contains(','));
        if link || !ours || metadata.mode() & 0o077 != 0 || text.is_none() {
            return Err(Error::StateFolder(path));
        }
        Ok(Self(path))
    }

    /// Where the parent connects (vhost-device-vsock's uds-path).
    pub fn vsock(&self) -> PathBuf {
        self.0.join("vsock")
    }

    /// The socket between backend and machine.
    pub fn vhost(&self) -> PathBuf {
        self.0.join("vhost")
    }

    /// The image that was measured.
    pub fn image(&self) -> PathBuf {
        self.0.join("image.eif")
    }

    /// What the machine prints.
    pub fn console(&self) -> PathBuf {
        self.0.join("console")
    }

    /// What the backend prints.
    pub fn log(&self) -> PathBuf {
        self.0.join("backend.log")
    }

    fn record(&self) -> PathBuf {
        self.0.join("enclave.json")
    }

    /// Held by `enclave run` for as long as it lives.
    pub fn lock(&self) -> Result<File, Error> {
        let lock = File::options().create(true).append(true).open(self.0.join("lock"));
        let lock = lock.map_err(|error| unusable(&self.0, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::EnclaveRuns(self.0.clone())),
            Err(TryLockError::Error(error)) => return Err(unusable(&self.0, error)),
        }
        // Who held it may have been killed, and what it started lives on.
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

    /// Writes down what was started, whole or not at all.
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let processes: Vec<_> =
            record.processes.iter().map(|p| json!({"name": p.name, "pid": p.pid, "start": p.start})).collect();
        let json = json!({
            "image": record.image, "pcr0": record.pcr0, "development": record.development, "cid": record.cid,
            "boot": boot()?, "processes": processes,
        });
        let (path, fresh) = (self.record(), self.0.join("enclave.new"));
        let written = fs::write(&fresh, json.to_string()).and_then(|()| fs::rename(&fresh, &path));
        written.map_err(|source| Error::File { path, source })
    }

    /// What was started; none, if nothing was since the machine's own start.
    pub fn read(&self) -> Result<Option<Record>, Error> {
        let path = self.record();
        if !path.exists() {
            return Ok(None);
        }
        let json = serde_json::from_slice(&read_file(&path, MAX_RECORD)?).ok();
        let (boots, record) = json.as_ref().and_then(parse).ok_or(Error::StateFolder(path))?;
        Ok((boots == boot()?).then_some(record))
    }

    /// Removes what an enclave that has ended leaves behind; the console and the backend's log stay to be read.
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

    /// The one enclave of this folder, or none, as `nitro-cli describe-enclaves` lists them.
    pub fn describe(&self) -> Result<Value, Error> {
        let Some(record) = self.read()? else { return Ok(json!([])) };
        let mut processes = Vec::new();
        let mut all = true;
        for process in &record.processes {
            let running = process.living()?.is_some();
            all &= running;
            processes.push(json!({"name": process.name, "pid": process.pid, "running": running}));
        }
        Ok(json!([{
            "running": all && processes.len() == 3, "transport": format!("qemu:{}", self.vsock().display()),
            "image": record.image, "pcr0": record.pcr0, "development": record.development, "cid": record.cid,
            "processes": processes,
        }]))
    }

    /// Ends it: `enclave run` ends what it started; if it is gone, or does not, that is done here.
    pub fn terminate(&self) -> Result<(), Error> {
        let record = self.read()?.ok_or_else(|| Error::NoEnclave(self.0.display().to_string()))?;
        if let Some(run) = record.processes.first().map(Process::living).transpose()?.flatten() {
            run.ask(PATIENCE)?;
        }
        // It has cleared up behind itself, and another may have begun since.
        if self.read()?.as_ref() == Some(&record) { self.end(&record) } else { Ok(()) }
    }

    /// Ends what `enclave run` started, the last first.
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

/// A record, and of which start of the machine it is.
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
    fn a_folder_that_others_may_use_is_refused() {
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
    fn a_record_comes_back_and_a_damaged_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::make(&folder.path().join("state")).unwrap();
        assert!(state.read().unwrap().is_none());
        let ours = Process::new("this", std::process::id()).unwrap();
        let record =
            Record { image: "/i".into(), pcr0: "ab".into(), development: true, cid: 16, processes: vec![ours] };
        state.write(&record).unwrap();
        assert_eq!(state.read().unwrap().unwrap(), record);
        // Its processes live: another enclave has no place here.
        assert!(matches!(state.lock(), Err(Error::EnclaveRuns(_))));
        let text = fs::read_to_string(state.record()).unwrap();
        // Of another start of the machine: none of its numbers means anything now.
        fs::write(state.record(), text.replace(&boot().unwrap(), "another")).unwrap();
        assert!(state.read().unwrap().is_none());
        for damaged in ["", "{}", &text[1..], &text.replace("16", "-16"), &text.replace("\"pid\"", "\"dip\"")] {
            fs::write(state.record(), damaged).unwrap();
            assert!(matches!(state.read(), Err(Error::StateFolder(_))), "{damaged}");
        }
    }
}
