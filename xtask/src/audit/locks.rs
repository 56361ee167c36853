//! The lock files: which inputs of the build have which SHA-256.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::audit::crate_tree::CrateId;
use crate::error::Error;
use crate::repo_path::RepoPath;

/// A SHA-256, as 64 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256(String);

impl Sha256 {
    /// `None` if the text does not have this form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_digit)).then(|| Self(text.into()))
    }

    /// The SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Debian package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebianPackage {
    pub name: String,
    pub version: String,
    /// Of the .deb file.
    pub sha256: Sha256,
}

/// All inputs that are locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locks {
    /// The crates of Cargo.lock. A package of the workspace has no hash.
    pub crates: BTreeMap<CrateId, Option<Sha256>>,
    /// The packages that the image is built with.
    pub build_root: Vec<DebianPackage>,
    /// The package with the kernel's source.
    pub kernel_source: DebianPackage,
    /// The version of the Rust toolchain.
    pub rust_version: String,
    /// The SHA-256 of rust.lock, which has the SHA-256 of every file of the toolchain.
    pub rust_lock: Sha256,
}

impl Locks {
    /// Reads the lock files of the repository at `root`.
    ///
    /// # Errors
    /// `Io` or `Format`.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let text = |path: &RepoPath| {
            let on_disk = path.on_disk(root);
            std::fs::read_to_string(&on_disk).map_err(|source| Error::Io { doing: "read", path: on_disk, source })
        };
        let cargo = RepoPath::new("Cargo.lock");
        let build_root = RepoPath::new("reproducible/build-root.lock");
        let kernel = RepoPath::new("reproducible/kernel.lock");
        let toolchain = RepoPath::new("rust-toolchain.toml");
        let rust = RepoPath::new("reproducible/rust.lock");
        let kernel_source = match debian_packages(&kernel, &text(&kernel)?)?.as_slice() {
            [only] => only.clone(),
            other => {
                let reason = format!("it must have one package, and has {}", other.len());
                return Err(Error::Format { path: kernel, line: 1, reason });
            }
        };
        Ok(Self {
            crates: cargo_lock(&cargo, &text(&cargo)?)?,
            build_root: debian_packages(&build_root, &text(&build_root)?)?,
            kernel_source,
            rust_version: channel(&toolchain, &text(&toolchain)?)?,
            rust_lock: Sha256::of(text(&rust)?.as_bytes()),
        })
    }
}

/// Reads name, version and checksum of every `[[package]]`.
fn cargo_lock(path: &RepoPath, text: &str) -> Result<BTreeMap<CrateId, Option<Sha256>>, Error> {
    let mut crates = BTreeMap::new();
    let mut name: Option<&str> = None;
    let mut id: Option<CrateId> = None;
    for (index, line) in text.lines().enumerate() {
        let invalid = |reason: &str| Error::Format { path: path.clone(), line: index + 1, reason: reason.into() };
        if line == "[[package]]" {
            (name, id) = (None, None);
        } else if let Some(value) = quoted(line, "name") {
            name = Some(value);
        } else if let (Some(value), Some(name)) = (quoted(line, "version"), name) {
            let this = CrateId { name: name.into(), version: value.into() };
            if crates.insert(this.clone(), None).is_some() {
                return Err(invalid("this name and version are repeated"));
            }
            id = Some(this);
        } else if let Some(value) = quoted(line, "checksum") {
            let sha256 = Sha256::parse(value).ok_or_else(|| invalid("the checksum must be 64 hexadecimal digits"))?;
            let id = id.take().ok_or_else(|| invalid("a checksum must follow a name and a version"))?;
            crates.insert(id, Some(sha256));
        }
    }
    Ok(crates)
}

/// The value of the line `key = "value"`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

/// Reads the packages of a lock file, whose format debs.sh has. Lines that name a release only say where they are from.
fn debian_packages(path: &RepoPath, text: &str) -> Result<Vec<DebianPackage>, Error> {
    let mut packages = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let package = match words[..] {
            ["release", _] => continue,
            _ if line.starts_with('#') => continue,
            [name, version, hash] if name != "file" => {
                Sha256::parse(hash).map(|sha256| DebianPackage { name: name.into(), version: version.into(), sha256 })
            }
            _ => None,
        };
        packages.push(package.ok_or_else(|| {
            let reason = format!("`{line}` is not a package with its version and SHA-256, which the SBOM needs");
            Error::Format { path: path.clone(), line: index + 1, reason }
        })?);
    }
    Ok(packages)
}

fn channel(path: &RepoPath, text: &str) -> Result<String, Error> {
    text.lines().find_map(|line| quoted(line, "channel")).map(Into::into).ok_or_else(|| Error::Format {
        path: path.clone(),
        line: 1,
        reason: "`channel = \"…\"` is missing".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    #[test]
    fn reads_the_crates_of_cargo_lock() {
        let text = format!(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"{}\"\n\
             dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n",
            hash('a')
        );
        let crates = cargo_lock(&RepoPath::new("Cargo.lock"), &text).unwrap();
        let shown: Vec<_> = crates.iter().map(|(id, hash)| (id.to_string(), hash.is_some())).collect();
        assert_eq!(shown, [("a-1.0.0".into(), true), ("b-0.1.0".into(), false)]);
    }

    #[test]
    fn rejects_a_damaged_hash_with_its_line() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"12\"\n";
        let error = cargo_lock(&RepoPath::new("Cargo.lock"), text).unwrap_err().to_string();
        assert_eq!(error, "Cargo.lock:4: the checksum must be 64 hexadecimal digits");
        let lock = RepoPath::new("a.lock");
        let error = debian_packages(&lock, "# list\nbc 1.0\n").unwrap_err().to_string();
        assert_eq!(error, "a.lock:2: `bc 1.0` is not a package with its version and SHA-256, which the SBOM needs");
        assert!(debian_packages(&lock, &format!("file pool/a.tar.xz {}\n", hash('a'))).is_err());
    }

    #[test]
    fn reads_the_packages_of_a_lock_file() {
        let text = format!("# list\nrelease bookworm\nbc 1.07.1-3+b1 {}\n", hash('b'));
        let packages = debian_packages(&RepoPath::new("a.lock"), &text).unwrap();
        assert_eq!((packages.len(), packages[0].name.as_str(), packages[0].version.as_str()), (1, "bc", "1.07.1-3+b1"));
    }

    #[test]
    fn reads_the_locks_of_this_repository() {
        let locks = Locks::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        assert!(locks.build_root.len() > 10);
        assert!(locks.kernel_source.name.starts_with("linux-source-"));
        assert!(locks.crates.keys().any(|id| id.name == "zeroize"));
    }

    #[test]
    fn hashes_bytes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of(b""), Sha256::parse(empty).unwrap());
    }
}
