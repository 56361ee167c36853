//! Why a folder or a file cannot become a bundle, and what to do about it.

use std::path::Path;

/// A rule for bundles that a folder or a file breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// The folder has no `capelet.json`.
    NoManifest,
    /// `capelet.json` is invalid.
    BadManifest,
    /// The file that `capelet.json` names as `entry` does not exist.
    NoEntry,
    /// The folder contains a symbolic link.
    Symlink,
    /// The folder contains something that is neither a file nor a folder.
    Special,
    /// A name is not UTF-8, contains NUL, or is too long; or `entry` is not a plain relative path.
    Name,
    /// Two names differ only in case or in Unicode form.
    SameName,
    /// The entry is not a WebAssembly module.
    NoModule,
    /// The bundle has too many bytes, files or levels.
    TooLarge,
}

impl BundleError {
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

    /// What is wrong with `path`, and what to do about it.
    pub fn text(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::NoManifest => {
                format!("{path} is missing: create it with {{\"entry\": \"FILE.wasm\"}}, which names the entry point")
            }
            Self::BadManifest => format!(
                "{path} is invalid: it must be JSON with \"entry\" and, optionally, \"kind\" (\"command\" or \"reactor\"), \
                 \"handler\", \"arguments\", \"nonce\""
            ),
            Self::NoEntry => {
                format!("the entry point {path} does not exist: name an existing file as \"entry\" in capelet.json")
            }
            Self::Symlink => format!("{path} is a symbolic link, which is unsupported: replace it with its target"),
            Self::Special => format!("{path} is neither a file nor a folder: remove it"),
            Self::Name => format!(
                "\"{path}\" is an invalid name: use relative paths of UTF-8 without empty parts, . or .., at most 1,024 \
                 bytes long"
            ),
            Self::SameName => {
                format!("{path} has the same name as another file, except for case or Unicode form: rename it")
            }
            Self::NoModule => {
                format!("{path} is not a WebAssembly module: compile for wasm32-wasi and name the .wasm file")
            }
            Self::TooLarge => {
                format!("{path} makes the bundle too large: use at most 64 MiB, 4,096 files and 32 folders deep")
            }
        }
    }
}
