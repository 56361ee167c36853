//! What the build leaves behind: the image, and the folders that the scripts of reproducible/ print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::audit::command;
use crate::audit::image::{ImageContents, Kind};
use crate::audit::locks::Sha256;
use crate::audit::programs::{IMAGE_WRITER, PROGRAMS, Program};
use crate::audit::proof::ProgramEvidence;
use crate::error::Error;

/// The folders of a build.
pub struct Built {
    /// `capelet.eif` and `parts/`.
    pub image: PathBuf,
    /// `bzImage`, `.config` and `objects`.
    pub kernel: PathBuf,
    /// The programs of the image, and eif-build.
    pub programs: PathBuf,
    /// The sources of the crates, each in a folder NAME-VERSION.
    pub crates: PathBuf,
}

impl Built {
    /// Asks the scripts for their folders. They build only what is not there yet.
    ///
    /// # Errors
    /// `Start`, `Failed` or `Output` of a script.
    pub fn find(root: &Path, image: &Path) -> Result<Self, Error> {
        let folder = |script: &str| {
            let mut run = Command::new(root.join("reproducible").join(script));
            let printed = command::text(&mut run)?;
            match printed.lines().last() {
                Some(folder) if Path::new(folder).is_dir() => Ok(PathBuf::from(folder)),
                _ => {
                    let reason = format!("its last line must be a folder, and the output is `{}`", printed.trim_end());
                    Err(Error::Output { command: command::shown(&run), reason })
                }
            }
        };
        let (kernel, programs, crates) = (folder("kernel.sh")?, folder("binaries.sh")?, folder("crates.sh")?);
        Ok(Self { image: image.into(), kernel, programs, crates })
    }

    /// What `eif-build describe` says of the image.
    ///
    /// # Errors
    /// `Start`, `Failed` or `Output`.
    pub fn contents(&self) -> Result<ImageContents, Error> {
        let mut describe = Command::new(self.programs.join(IMAGE_WRITER));
        describe.arg("describe").arg(self.image.join("capelet.eif")).args(["-o", "json"]);
        let json = command::text(&mut describe)?;
        ImageContents::parse(&json).map_err(|reason| Error::Output { command: command::shown(&describe), reason })
    }

    /// Takes each program out of the ramdisk with cpio and looks at it with readelf.
    ///
    /// Both tools are others' work, so this does not rely on what it checks.
    ///
    /// # Errors
    /// `Io`, `Start`, `Failed` or `Output`.
    pub fn evidence(&self) -> Result<Vec<ProgramEvidence>, Error> {
        PROGRAMS.iter().map(|program| self.program(program)).collect()
    }

    fn program(&self, program: &Program) -> Result<ProgramEvidence, Error> {
        let path = self.image.join("parts/ramdisk");
        let ramdisk = fs::File::open(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
        let mut cpio = Command::new("cpio");
        cpio.args(["-i", "--quiet", "--to-stdout", program.path.trim_start_matches('/')]).stdin(Stdio::from(ramdisk));
        let bytes = command::output(&mut cpio)?;
        // readelf reads the program that the build left behind. `faults` compares both.
        let readelf = |option: &str| {
            command::text(
                Command::new("readelf").arg(option).arg(self.programs.join(program.package)).env("LC_ALL", "C"),
            )
        };
        Ok(ProgramEvidence { path: program.path, bytes, segments: readelf("-lW")?, dynamic: readelf("-dW")? })
    }

    /// Says what of the image does not come from this build.
    ///
    /// # Errors
    /// `Io`.
    pub fn faults(&self, contents: &ImageContents, evidence: &[ProgramEvidence]) -> Result<Vec<String>, Error> {
        let mut faults = Vec::new();
        let image = self.image.display();
        let mut same = |what: &str, found: &[u8], built: &Path| {
            if found != read(built)? {
                faults.push(format!("{what} is not from this source: run `reproducible/build.sh {image}`"));
            }
            Ok::<(), Error>(())
        };
        for (part, built) in [("bzImage", "bzImage"), ("kernel.config", ".config")] {
            let path = self.image.join("parts").join(part);
            same(&path.display().to_string(), &read(&path)?, &self.kernel.join(built))?;
        }
        for program in &PROGRAMS {
            if let Some(evidence) = evidence.iter().find(|evidence| evidence.path == program.path) {
                let what = format!("{} in {image}/parts/ramdisk", program.path);
                same(&what, &evidence.bytes, &self.programs.join(program.package))?;
            }
        }
        for evidence in evidence {
            let wanted = Sha256::of(&evidence.bytes);
            match contents.entry(evidence.path).map(|entry| &entry.kind) {
                Some(Kind::File { sha256, .. }) if sha256 == wanted.as_str() => {}
                _ => faults.push(format!("{} in capelet.eif is not the one in parts/ramdisk", evidence.path)),
            }
        }
        Ok(faults)
    }
}

/// # Errors
/// `Io`.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Io { doing: "read", path: path.into(), source })
}
