//! The canonical form of a function: deterministic CBOR, [manifest, [+ [path, bytes]]]. Anyone who has the same folder
//! makes the same bundle.

use crate::configuration::MAX_BUNDLE;
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use capelet_abi::{EntryPoint, INPUT_FOLDER, MAX_ARGUMENTS, MAX_FILES};
use minicbor::data::Type;
use unicode_normalization::is_nfc;

const MALFORMED: Error = Error::Malformed(MessageKind::Bundle);
/// The longest path, handler or argument, in bytes.
pub const MAX_TEXT: usize = 1024;
/// The most bytes of all paths together: with the arguments they fit into a job's header.
pub const MAX_PATHS: usize = 512 << 10;

/// A reactor's handler when the manifest names none.
pub const HANDLER: &str = "cape_handler";

/// How a function is entered.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// The path of its WebAssembly module, a file of the bundle.
    pub entry: &'a str,
    /// A random value that prevents others from guessing the bundle and confirming the guess by its checksum.
    pub nonce: Option<[u8; 32]>,
    /// Command or reactor.
    pub entry_point: EntryPoint,
    /// The name of a reactor's handler; `None` for [`HANDLER`], which must not be named.
    pub handler: Option<&'a str>,
    /// Its arguments, at most 64.
    pub arguments: Vec<&'a str>,
}

impl<'a> Manifest<'a> {
    /// The handler for a job; empty for a command.
    pub fn job_handler(&self) -> &'a str {
        match self.entry_point {
            EntryPoint::Command => "",
            EntryPoint::Reactor => self.handler.unwrap_or(HANDLER),
        }
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Bundle)?;
        let mut left = reader.any_map()?;
        let entry = reader.key(1)?.text(1, MAX_TEXT)?;
        let (mut nonce, mut entry_point, mut handler, mut arguments) = (None, EntryPoint::Command, None, Vec::new());
        // `Reader::new` already rejected unsorted keys. Defaults must be omitted, so that each function has exactly one
        // encoding.
        while left > 1 {
            match reader.uint()? {
                2 => nonce = Some(reader.fixed()?),
                3 if reader.uint()? == 1 => entry_point = EntryPoint::Reactor,
                4 => handler = Some(reader.text(1, MAX_TEXT)?),
                5 => arguments = read_arguments(&mut reader)?,
                _ => return Err(MALFORMED),
            }
            left -= 1;
        }
        reader.end()?;
        // A command has no handler, and a default is omitted. An argument cannot contain NUL.
        let handler_fits = handler.is_none_or(|name| entry_point == EntryPoint::Reactor && name != HANDLER);
        let valid = handler_fits && !arguments.iter().any(|a| a.contains('\0'));
        if valid { Ok(Self { entry, nonce, entry_point, handler, arguments }) } else { Err(MALFORMED) }
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        let reactor = self.entry_point == EntryPoint::Reactor;
        let optional = [self.nonce.is_some(), reactor, self.handler.is_some(), !self.arguments.is_empty()];
        writer.map(1 + optional.into_iter().filter(|there| *there).count() as u64).uint(1).text(self.entry);
        if let Some(nonce) = &self.nonce {
            writer.uint(2).bytes(nonce);
        }
        if reactor {
            writer.uint(3).uint(1);
        }
        if let Some(handler) = self.handler {
            writer.uint(4).text(handler);
        }
        if !self.arguments.is_empty() {
            writer.uint(5).array(self.arguments.len() as u64);
            for argument in &self.arguments {
                writer.text(argument);
            }
        }
    }
}

fn read_arguments<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, Error> {
    let count = reader.any_array()?;
    if count == 0 {
        return Err(MALFORMED);
    }
    if count > MAX_ARGUMENTS as u64 {
        return Err(Error::TooLarge(MessageKind::Bundle));
    }
    (0..count).map(|_| reader.text(0, MAX_TEXT)).collect()
}

/// The form that everything with a checksum has. The manifest is not read here; see [`Bundle`].
#[derive(Clone, PartialEq, Eq)]
pub struct BundleForm<'a> {
    manifest: &'a [u8],
    files: Vec<(&'a str, &'a [u8])>,
}

impl<'a> BundleForm<'a> {
    /// Reads at most [`MAX_BUNDLE`] bytes: 1 to 4,096 files; paths relative, NFC, ascending bytewise, without empty, `.`
    /// or `..` parts and without NUL; no file that is also a directory.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Bundle`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BUNDLE {
            return Err(Error::TooLarge(MessageKind::Bundle));
        }
        let mut reader = Reader::new(bytes, MessageKind::Bundle)?;
        if reader.array(2)?.peek()? != Type::Map {
            return Err(MALFORMED);
        }
        let (manifest, count) = (reader.item()?, reader.any_array()?);
        if count > MAX_FILES as u64 {
            return Err(Error::TooLarge(MessageKind::Bundle));
        }
        let mut files = Vec::new();
        for _ in 0..count {
            files.push((reader.array(2)?.text(1, MAX_TEXT)?, reader.bytes(0, MAX_BUNDLE)?));
        }
        reader.end()?;
        check_paths(&files)?;
        Ok(Self { manifest, files })
    }
}

/// A bundle that can be run: its form is valid, and its manifest's entry is one of its files.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle<'a> {
    /// How the function is entered.
    pub manifest: Manifest<'a>,
    /// Paths and contents, in ascending order of the paths.
    pub files: Vec<(&'a str, &'a [u8])>,
    /// The content of the entry. Whether it is a WebAssembly module, only the worker checks.
    pub module: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Reads a bundle.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Bundle`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let BundleForm { manifest, files } = BundleForm::parse(bytes)?;
        let manifest = Manifest::parse(manifest)?;
        // A run's inputs are files in this folder.
        if files.iter().any(|(path, _)| {
            *path == INPUT_FOLDER || path.strip_prefix(INPUT_FOLDER).is_some_and(|p| p.starts_with('/'))
        }) {
            return Err(MALFORMED);
        }
        let entry = files.binary_search_by(|(path, _)| (*path).cmp(manifest.entry)).ok();
        let module = entry.and_then(|at| files.get(at)).map(|(_, content)| *content).ok_or(MALFORMED)?;
        Ok(Self { manifest, files, module })
    }

    /// The bundle of these files, which may be in any order.
    ///
    /// # Errors
    /// As [`Self::parse`].
    #[cfg(feature = "outside")]
    pub fn build(manifest: &Manifest<'_>, mut files: Vec<(&str, &[u8])>) -> Result<Vec<u8>, Error> {
        files.sort_unstable_by_key(|(path, _)| *path);
        let mut writer = Writer::new();
        writer.array(2);
        manifest.write(&mut writer);
        writer.array(files.len() as u64);
        for (path, content) in files {
            writer.array(2).text(path).bytes(content);
        }
        let bytes = writer.finish();
        Bundle::parse(&bytes)?;
        Ok(bytes)
    }
}

redacted!(Manifest<'_>, BundleForm<'_>, Bundle<'_>);

/// Checks that there is at least one path, that each is well formed, that they ascend, and that none is a directory of
/// another.
fn check_paths(files: &[(&str, &[u8])]) -> Result<(), Error> {
    if files.iter().map(|(path, _)| path.len()).sum::<usize>() > MAX_PATHS {
        return Err(Error::TooLarge(MessageKind::Bundle));
    }
    let parts_valid = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let well_formed = files.iter().all(|(path, _)| parts_valid(path) && !path.contains('\0') && is_nfc(path));
    let ascending = files.is_sorted_by(|(a, _), (b, _)| a < b);
    let is_file = |path: &str| files.binary_search_by(|(found, _)| (*found).cmp(path)).is_ok();
    // Neighbours alone do not show it: `a-` lies between `a` and `a/b`.
    let under_file = |path: &str| path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(is_file));
    let valid = !files.is_empty() && well_formed && ascending && !files.iter().any(|(path, _)| under_file(path));
    if valid { Ok(()) } else { Err(MALFORMED) }
}
