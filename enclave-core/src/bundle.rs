//! The canonical form of a function: deterministic [manifest, [+ [path, bytes]]], the same for everybody who has the
//! folder.

use crate::cbor::{Reader, Writer, check_integer_keys};
use crate::config::MAX_BUNDLE;
use crate::{Error, Part, digest};
use alloc::vec::Vec;
use capelet_abi::job::{Kind, MAX_ARGUMENTS, MAX_FILES};
use minicbor::data::Type;
use unicode_normalization::is_nfc;

const MALFORMED: Error = Error::Malformed(Part::Bundle);
/// The longest path, handler or argument, in bytes.
pub const MAX_TEXT: usize = 1024;
/// The longest that all paths may be together, in bytes: with the arguments they fit into a job's header.
pub const MAX_PATHS: usize = 512 << 10;

/// The folder in which a function finds its inputs; no bundle may have it.
pub const INPUTS: &str = "input";

/// A reactor's handler when the manifest names none.
pub const HANDLER: &str = "cape_handler";

/// SHA-256("capelet/1/bundle" ‖ 0 ‖ bundle), by which a function is known. It is public: of a bundle that can be
/// guessed it tells which it is, unless the manifest has a nonce.
pub fn checksum(bundle: &[u8]) -> [u8; 32] {
    digest::sha256(&[b"capelet/1/bundle\0", bundle])
}

/// How a function is entered.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// The path of its WebAssembly module, a file of the bundle.
    pub entry: &'a str,
    /// What keeps the checksum from being guessed.
    pub nonce: Option<[u8; 32]>,
    /// A command, unless it says otherwise.
    pub kind: Kind,
    /// A reactor's handler, if another than [`HANDLER`].
    pub handler: Option<&'a str>,
    /// Its arguments, at most 64.
    pub arguments: Vec<&'a str>,
}

impl<'a> Manifest<'a> {
    /// The handler that a job is given: a command has none.
    pub fn job_handler(&self) -> &'a str {
        match self.kind {
            Kind::Command => "",
            Kind::Reactor => self.handler.unwrap_or(HANDLER),
        }
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Bundle)?;
        let mut left = reader.any_map()?;
        reader.key(1)?;
        let entry = reader.text(1, MAX_TEXT)?;
        let (mut nonce, mut kind, mut handler, mut arguments) = (None, Kind::Command, None, Vec::new());
        // Keys ascend, or the reader would not be here. What goes without saying is left out: one function, one form.
        while left > 1 {
            match reader.uint()? {
                2 => nonce = Some(reader.fixed()?),
                3 if reader.uint()? == 1 => kind = Kind::Reactor,
                4 => handler = Some(reader.text(1, MAX_TEXT)?),
                5 => arguments = read_arguments(&mut reader)?,
                _ => return Err(MALFORMED),
            }
            left -= 1;
        }
        reader.end()?;
        // A command has no handler; NUL cannot be passed on in an argument.
        let holds = (kind == Kind::Reactor || handler.is_none()) && !arguments.iter().any(|a| a.contains('\0'));
        if holds { Ok(Self { entry, nonce, kind, handler, arguments }) } else { Err(MALFORMED) }
    }

    fn write(&self, writer: &mut Writer) {
        let reactor = self.kind == Kind::Reactor;
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
        return Err(Error::TooLarge(Part::Bundle));
    }
    (0..count).map(|_| reader.text(0, MAX_TEXT)).collect()
}

/// A bundle's form: what a checksum may be of. How the function is entered is not yet read: see [`Bundle`].
#[derive(Clone, PartialEq, Eq)]
pub struct Form<'a> {
    manifest: &'a [u8],
    files: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Form<'a> {
    /// Takes at most [`MAX_BUNDLE`] bytes apart: at least one file and at most 4,096; paths relative, NFC, ascending
    /// bytewise, without empty, `.` or `..` parts or NUL; no file that is also a directory.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BUNDLE {
            return Err(Error::TooLarge(Part::Bundle));
        }
        let mut reader = Reader::new(bytes, Part::Bundle)?;
        reader.array(2)?;
        if reader.peek()? != Type::Map {
            return Err(MALFORMED);
        }
        let manifest = reader.item()?;
        check_integer_keys(manifest).map_err(|_| MALFORMED)?;
        let count = reader.any_array()?;
        if count > MAX_FILES as u64 {
            return Err(Error::TooLarge(Part::Bundle));
        }
        let mut files = Vec::new();
        for _ in 0..count {
            reader.array(2)?;
            files.push((reader.text(1, MAX_TEXT)?, reader.bytes(0, MAX_BUNDLE)?));
        }
        reader.end()?;
        check_paths(&files)?;
        Ok(Self { manifest, files })
    }
}

/// A bundle that can be run: of its form, with a manifest whose entry is one of its files.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle<'a> {
    /// How the function is entered.
    pub manifest: Manifest<'a>,
    /// Paths and contents, ascending by path.
    pub files: Vec<(&'a str, &'a [u8])>,
    /// The content of the entry: a WebAssembly module, as far as one knows.
    pub module: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Takes a bundle apart.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let Form { manifest, files } = Form::parse(bytes)?;
        let manifest = Manifest::parse(manifest)?;
        // A run's inputs are files there.
        if files
            .iter()
            .any(|(path, _)| *path == INPUTS || path.strip_prefix(INPUTS).is_some_and(|p| p.starts_with('/')))
        {
            return Err(MALFORMED);
        }
        let entry = files.binary_search_by(|(path, _)| (*path).cmp(manifest.entry)).ok();
        let module = entry.and_then(|at| files.get(at)).map(|(_, content)| *content).ok_or(MALFORMED)?;
        Ok(Self { manifest, files, module })
    }

    /// Makes a bundle of these files, in whatever order they come.
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

/// Code is as private as data: nothing of it is printed.
macro_rules! redacted {
    ($($type:ident)*) => {$(
        impl core::fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($type), "([redacted])"))
            }
        }
    )*};
}

redacted!(Manifest Form Bundle);

/// At least one path; each well formed; ascending; none that is a directory of another.
fn check_paths(files: &[(&str, &[u8])]) -> Result<(), Error> {
    if files.iter().map(|(path, _)| path.len()).sum::<usize>() > MAX_PATHS {
        return Err(Error::TooLarge(Part::Bundle));
    }
    let parts_hold = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let well_formed = files.iter().all(|(path, _)| parts_hold(path) && !path.contains('\0') && is_nfc(path));
    let ascending = files.is_sorted_by(|(a, _), (b, _)| a < b);
    let is_file = |path: &str| files.binary_search_by(|(found, _)| (*found).cmp(path)).is_ok();
    // Not only of the next: `a-` lies between `a` and `a/b`.
    let under_file = |path: &str| path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(is_file));
    let holds = !files.is_empty() && well_formed && ascending && !files.iter().any(|(path, _)| under_file(path));
    if holds { Ok(()) } else { Err(MALFORMED) }
}
