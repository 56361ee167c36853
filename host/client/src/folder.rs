//! Makes a function's canonical bundle from a folder or from one WebAssembly file.
//!
//! The bundle depends on names and contents only, not on the place, owner or times of the files.

use crate::bundle_error::BundleError;
use crate::error::Error;
use crate::files;
use crate::random;
use crate::values::Hex;
use capelet_abi::{EntryPoint, MAX_FILES};
use capelet_cli::arguments::STDIN;
use capelet_cli::output_file::Readers;
use enclave_core::objects::{Bundle, HANDLER, MAX_TEXT, Manifest};
use enclave_core::{Checksum, MAX_BUNDLE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The file that describes a function. The bundle contains its values as the manifest, but not the file itself.
pub const MANIFEST: &str = "capelet.json";
/// The path of the module in a bundle of one file. The file's own name does not enter the bundle.
const SINGLE: &str = "main.wasm";
/// The largest `capelet.json`, in bytes.
const MAX_MANIFEST: u64 = 65_536;
/// The greatest depth of nested folders.
const MAX_DEPTH: usize = 32;
/// The first bytes of every WebAssembly module.
const WASM: &[u8] = b"\0asm";

/// The content of `capelet.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    entry: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<DescribedKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Hex<[u8; 32]>>,
}

/// An [`EntryPoint`] as `capelet.json` has it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DescribedKind {
    Command,
    Reactor,
}

/// A function that can be deployed.
pub struct FunctionBundle {
    /// The bundle.
    pub bundle: Zeroizing<Vec<u8>>,
    /// The bundle's checksum.
    pub checksum: Checksum,
    /// The name of the folder or file, without its extension.
    pub name: String,
}

/// Makes the bundle of a folder with a `capelet.json`, or of one WebAssembly file.
///
/// # Errors
/// [`Error::Bundle`] for a folder or a file that breaks a rule for bundles; [`Error::Argument`] for `-`; [`Error::Io`].
pub fn read(path: &Path) -> Result<FunctionBundle, Error> {
    if path == Path::new("-") || path == Path::new(STDIN) {
        return Err(Error::Argument {
            name: "the function",
            want: "a folder with capelet.json or a .wasm file, not -",
        });
    }
    let metadata = fs::metadata(path).map_err(|error| Error::io("read", path, &error))?;
    let bundle = if metadata.is_dir() { from_folder(path)? } else { from_file(path)? };
    let checksum = Checksum::of(&bundle);
    let full = path.canonicalize().map_err(|error| Error::io("read", path, &error))?;
    let name = full.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(FunctionBundle { bundle: Zeroizing::new(bundle), checksum, name })
}

/// Writes a nonce into a folder's `capelet.json`, unless it already contains one.
///
/// Anyone who has the folder computes the same checksum. Nobody else can guess the content from the checksum.
///
/// # Errors
/// [`Error::Argument`] if `path` is not a folder; [`Error::Bundle`] if its `capelet.json` is missing or invalid;
/// [`Error::Io`]; those of [`random::bytes`].
pub fn blind(path: &Path) -> Result<(), Error> {
    let manifest = path.join(MANIFEST);
    if !path.is_dir() {
        return Err(Error::Argument {
            name: "--blind",
            want: "used with a folder, because the nonce is written to its capelet.json",
        });
    }
    let mut description = describe(path)?;
    if description.nonce.is_some() {
        return Ok(());
    }
    description.nonce = Some(Hex(random::bytes()?));
    let failed = |error: serde_json::Error| Error::io("write", &manifest, &error.into());
    let mut text = serde_json::to_vec_pretty(&description).map_err(failed)?;
    text.push(b'\n');
    files::write(&manifest, &text, Readers::Umask)
}

fn from_file(path: &Path) -> Result<Vec<u8>, Error> {
    let broken = |error| Error::Bundle { error, path: path.to_owned() };
    let module = files::read(path, MAX_BUNDLE as u64).map_err(|error| match error {
        Error::FileTooLarge { .. } => broken(BundleError::TooLarge),
        error => error,
    })?;
    if !module.starts_with(WASM) {
        return Err(broken(BundleError::NoModule));
    }
    let (entry_point, arguments) = (EntryPoint::Command, Vec::new());
    let manifest = Manifest { entry: SINGLE, nonce: None, entry_point, handler: None, arguments };
    // The path and the manifest are valid here, so that only the size can be wrong.
    Bundle::build(&manifest, vec![(SINGLE, &module)]).map_err(|_| broken(BundleError::TooLarge))
}

fn from_folder(folder: &Path) -> Result<Vec<u8>, Error> {
    let description = describe(folder)?;
    let mut walk = Walk::default();
    walk.folder(folder, "", 0)?;
    let broken = |error, path: PathBuf| Error::Bundle { error, path };
    let entry: String = description.entry.nfc().collect();
    if entry.starts_with('/') || entry.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(broken(BundleError::Name, PathBuf::from(&description.entry)));
    }
    match walk.files.get(&entry) {
        None => return Err(broken(BundleError::NoEntry, folder.join(&entry))),
        Some(module) if !module.starts_with(WASM) => return Err(broken(BundleError::NoModule, folder.join(&entry))),
        Some(_) => {}
    }
    let entry_point = match description.kind {
        Some(DescribedKind::Reactor) => EntryPoint::Reactor,
        Some(DescribedKind::Command) | None => EntryPoint::Command,
    };
    // A manifest must not name the default handler, so that each function has one checksum. A command has no handler.
    let default = |name: &&str| entry_point == EntryPoint::Reactor && *name == HANDLER;
    let manifest = Manifest {
        entry: &entry,
        nonce: description.nonce.map(|nonce| nonce.0),
        entry_point,
        handler: description.handler.as_deref().filter(|name| !default(name)),
        arguments: description.arguments.iter().map(String::as_str).collect(),
    };
    let files = walk.files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    // `Walk` has checked the paths, so that any error but the size is in capelet.json.
    Bundle::build(&manifest, files).map_err(|error| match error {
        enclave_core::Error::TooLarge(_) => broken(BundleError::TooLarge, folder.to_owned()),
        _ => broken(BundleError::BadManifest, folder.join(MANIFEST)),
    })
}

fn describe(folder: &Path) -> Result<Description, Error> {
    let path = folder.join(MANIFEST);
    let text = files::read(&path, MAX_MANIFEST).map_err(|error| match error.code() {
        "no-such-file" => Error::Bundle { error: BundleError::NoManifest, path: path.clone() },
        _ => error,
    })?;
    serde_json::from_slice(&text).map_err(|_| Error::Bundle { error: BundleError::BadManifest, path })
}

/// The files of a folder, by canonical path.
#[derive(Default)]
struct Walk {
    files: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// Each path in lower case and NFC. Some file systems treat such names as equal, so that they are rejected on all.
    folded: BTreeMap<String, PathBuf>,
    bytes: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::io("read", folder, &error);
        if depth > MAX_DEPTH {
            return Err(Error::Bundle { error: BundleError::TooLarge, path: folder.to_owned() });
        }
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if depth == 0 && path.file_name().is_some_and(|name| name == MANIFEST) {
                continue;
            }
            self.entry(path, prefix, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, prefix: &str, depth: usize) -> Result<(), Error> {
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.contains('\0'));
        let Some(name) = name else { return Err(Error::Bundle { error: BundleError::Name, path }) };
        let canonical: String = prefix.chars().chain(name.nfc()).collect();
        if canonical.len() > MAX_TEXT {
            return Err(Error::Bundle { error: BundleError::Name, path });
        }
        let folded: String = canonical.to_lowercase().nfc().collect();
        if self.folded.insert(folded, path.clone()).is_some() {
            return Err(Error::Bundle { error: BundleError::SameName, path });
        }
        let kind = fs::symlink_metadata(&path).map_err(|error| Error::io("read", &path, &error))?.file_type();
        if kind.is_dir() {
            return self.folder(&path, &format!("{canonical}/"), depth + 1);
        }
        if !kind.is_file() {
            let error = if kind.is_symlink() { BundleError::Symlink } else { BundleError::Special };
            return Err(Error::Bundle { error, path });
        }
        let too_large = |path: &Path| Error::Bundle { error: BundleError::TooLarge, path: path.to_owned() };
        let room = MAX_BUNDLE.saturating_sub(self.bytes) as u64;
        let content = files::read(&path, room).map_err(|error| match error {
            Error::FileTooLarge { .. } => too_large(&path),
            error => error,
        })?;
        self.bytes += content.len();
        if self.files.len() >= MAX_FILES {
            return Err(too_large(&path));
        }
        self.files.insert(canonical, content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn folder(manifest: &str, files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MANIFEST), manifest).unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn code(folder: &tempfile::TempDir) -> &'static str {
        read(folder.path()).err().map_or("none", |error| error.code())
    }

    #[test]
    fn bundle_does_not_depend_on_the_folder_or_its_order() {
        let files: [(&str, &[u8]); 3] = [("f.wasm", MODULE), ("data/a", b"1"), ("data/b", b"2")];
        let first = folder(r#"{"entry":"f.wasm","kind":"reactor","handler":"redact"}"#, &files);
        let second = folder(
            "{ \"handler\": \"redact\",\n \"kind\": \"reactor\", \"entry\": \"f.wasm\" }",
            &[files[2], files[0], files[1]],
        );
        let first = read(first.path()).unwrap();
        assert_eq!(first.checksum, read(second.path()).unwrap().checksum);
        let bundle = Bundle::parse(&first.bundle).unwrap();
        let paths: Vec<_> = bundle.files.iter().map(|(path, _)| *path).collect();
        assert_eq!(paths, ["data/a", "data/b", "f.wasm"]);
        assert_eq!(bundle.manifest.handler, Some("redact"));
    }

    #[test]
    fn naming_the_default_handler_does_not_change_the_checksum() {
        let reactor = |handler: &str| {
            folder(&format!(r#"{{"entry":"f.wasm","kind":"reactor"{handler}}}"#), &[("f.wasm", MODULE)])
        };
        let checksum = |handler| read(reactor(handler).path()).unwrap().checksum;
        assert_eq!(checksum(""), checksum(r#","handler":"cape_handler""#));
        assert_ne!(checksum(""), checksum(r#","handler":"other""#));
        let command = folder(r#"{"entry":"f.wasm","handler":"cape_handler"}"#, &[("f.wasm", MODULE)]);
        assert_eq!(code(&command), "bad-manifest");
    }

    #[test]
    fn bundle_of_one_file_does_not_depend_on_its_name() {
        let files = folder("{}", &[("one.wasm", MODULE), ("two.wasm", MODULE), ("text.wasm", b"text")]);
        let read = |name: &str| read(&files.path().join(name));
        assert_eq!(read("one.wasm").unwrap().checksum, read("two.wasm").unwrap().checksum);
        assert_eq!(read("one.wasm").unwrap().name, "one");
        assert_eq!(read("text.wasm").err().unwrap().code(), "bad-module");
        assert_eq!(read("none.wasm").err().unwrap().code(), "no-such-file");
    }

    #[test]
    fn rejects_folders_that_break_a_rule() {
        let good = r#"{"entry":"f.wasm"}"#;
        assert_eq!(code(&folder(good, &[("f.wasm", MODULE)])), "none");
        type Files<'a> = &'a [(&'a str, &'a [u8])];
        let cases: [(&str, Files<'_>, &str); 12] = [
            (good, &[("g.wasm", MODULE)], "no-entry-point"),
            (good, &[("f.wasm", b"text")], "bad-module"),
            ("{}", &[("f.wasm", MODULE)], "bad-manifest"),
            ("entry", &[("f.wasm", MODULE)], "bad-manifest"),
            (r#"{"entry":"f.wasm","more":1}"#, &[("f.wasm", MODULE)], "bad-manifest"),
            (r#"{"entry":"f.wasm","entry":"f.wasm"}"#, &[("f.wasm", MODULE)], "bad-manifest"),
            (r#"{"entry":"f.wasm","handler":"h"}"#, &[("f.wasm", MODULE)], "bad-manifest"),
            (r#"{"entry":"f.wasm","nonce":"ab"}"#, &[("f.wasm", MODULE)], "bad-manifest"),
            (r#"{"entry":"../f.wasm"}"#, &[("f.wasm", MODULE)], "bad-name"),
            (r#"{"entry":"/f.wasm"}"#, &[("f.wasm", MODULE)], "bad-name"),
            (good, &[("f.wasm", MODULE), ("README", b""), ("readme", b"")], "same-name"),
            (good, &[("f.wasm", MODULE), ("A/x", b""), ("a/y", b"")], "same-name"),
        ];
        for (manifest, files, expected) in cases {
            assert_eq!(code(&folder(manifest, files)), expected, "{manifest} {files:?}");
        }
        // The same name in two Unicode forms.
        assert_eq!(code(&folder(good, &[("f.wasm", MODULE), ("\u{e9}", b""), ("e\u{301}", b"")])), "same-name");
        let missing = folder(good, &[("f.wasm", MODULE)]);
        fs::remove_file(missing.path().join(MANIFEST)).unwrap();
        assert_eq!(code(&missing), "no-entry-point");
    }

    #[test]
    fn rejects_symbolic_links_and_sockets() {
        let good = r#"{"entry":"f.wasm"}"#;
        let linked = folder(good, &[("f.wasm", MODULE)]);
        std::os::unix::fs::symlink("f.wasm", linked.path().join("g.wasm")).unwrap();
        assert_eq!(code(&linked), "symlink");
        let special = folder(good, &[("f.wasm", MODULE)]);
        let _socket = std::os::unix::net::UnixListener::bind(special.path().join("socket")).unwrap();
        assert_eq!(code(&special), "special-file");
    }

    #[test]
    fn rejects_more_than_the_limits() {
        let good = r#"{"entry":"f.wasm"}"#;
        let large = folder(good, &[("f.wasm", MODULE)]);
        fs::File::create(large.path().join("large")).unwrap().set_len(MAX_BUNDLE as u64).unwrap();
        assert_eq!(code(&large), "too-large");
        let deep = folder(good, &[("f.wasm", MODULE)]);
        fs::create_dir_all(deep.path().join("d/".repeat(MAX_DEPTH + 1))).unwrap();
        assert_eq!(code(&deep), "too-large");
    }

    #[test]
    fn writes_a_nonce_only_once() {
        let blinded = folder(r#"{"entry":"f.wasm","arguments":["-x"]}"#, &[("f.wasm", MODULE)]);
        let before = read(blinded.path()).unwrap().checksum;
        blind(blinded.path()).unwrap();
        let after = read(blinded.path()).unwrap().checksum;
        assert_ne!(before, after);
        blind(blinded.path()).unwrap();
        assert_eq!(after, read(blinded.path()).unwrap().checksum);
        assert_eq!(blind(&blinded.path().join("f.wasm")).unwrap_err().code(), "bad-argument");
    }
}
