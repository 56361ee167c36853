//! One source file.

use std::fs;
use std::path::Path;

use proc_macro2::LineColumn;

use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::source::left_out::{Build, LeftOut};

/// A parsed file.
pub struct SourceFile {
    pub path: RepoPath,
    pub text: String,
    pub syntax: syn::File,
    /// The parts that the build leaves out.
    pub left_out: LeftOut,
}

impl SourceFile {
    /// # Errors
    /// `Io`, if the file cannot be read; `Format`, if it is not Rust.
    pub fn read(root: &Path, path: RepoPath, build: Build) -> Result<Self, Error> {
        let on_disk = path.on_disk(root);
        let text = fs::read_to_string(&on_disk).map_err(|source| Error::Io {
            doing: "read",
            path: on_disk.clone(),
            source,
        })?;
        Self::parse(path, text, build)
    }

    /// # Errors
    /// `Format`, if the text is not Rust.
    pub fn parse(path: RepoPath, text: String, build: Build) -> Result<Self, Error> {
        let syntax = syn::parse_file(&text).map_err(|error| {
            let LineColumn { line, .. } = error.span().start();
            Error::Format { path: path.clone(), line, reason: format!("cannot parse the file as Rust: {error}") }
        })?;
        let left_out = LeftOut::of(&syntax, build);
        Ok(Self { path, text, syntax, left_out })
    }
}
