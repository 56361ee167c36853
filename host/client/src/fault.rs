//! Why a folder cannot be a bundle, and what to do about it.

use std::path::Path;

/// What makes a folder unfit to be a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderFault {
    /// No `capelet.json`.
    NoManifest,
    /// `capelet.json` is not understood.
    BadManifest,
    /// No entry point is named, or the named file is not there.
    NoEntry,
    /// A symbolic link.
    Symlink,
    /// Neither a file nor a folder.
    Special,
    /// A name that is not UTF-8, or is empty, `.`, `..`, or holds what it must not.
    Name,
    /// Two names that differ only in case or Unicode form.
    SameName,
    /// The entry is no WebAssembly module.
    NoModule,
    /// More bytes, files or levels than a bundle may have.
    TooLarge,
}

impl FolderFault {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoManifest | Self::NoEntry => "no-entry-point",
            Self::BadManifest => "bad-manifest",
            Self::Symlink => "symlink",
            Self::Special => "special-file",
            Self::Name => "bad-name",
            Self::SameName => "same-name",
            Self::NoModule => "bad-module",
            Self::TooLarge => "too-large",
        }
    }

    /// What to do about it.
    pub fn advice(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::NoManifest => format!(
                "{path} is missing: write {{\"entry\": \"FILE.wasm\"}} into it, so that it is known where the function begins"
            ),
            Self::BadManifest => format!(
                "{path} is not understood: it is JSON with \"entry\" and, if you like, \"kind\" (\"command\" or \"reactor\"), \
                 \"handler\", \"arguments\", \"nonce\""
            ),
            Self::NoEntry => format!("there is no entry point: capelet.json names {path}, which is not there"),
            Self::Symlink => format!("{path} is a symbolic link: a bundle holds files only; copy what it points to"),
            Self::Special => format!("{path} is neither a file nor a folder"),
            Self::Name => format!("{path} has a name that a bundle cannot hold"),
            Self::SameName => format!("{path} has the same name as another one but for case or Unicode form"),
            Self::NoModule => {
                format!("{path} is no WebAssembly module: compile for wasm32-wasi and name what comes out")
            }
            Self::TooLarge => {
                format!("{path} makes the bundle too large: 64 MiB, 4,096 files, 32 folders deep is the most")
            }
        }
    }
}
