//! The command line, as data.

use std::path::PathBuf;

use argh::FromArgs;

/// Check the source tree.
#[derive(FromArgs)]
pub struct Args {
    #[argh(subcommand)]
    pub command: Command,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum Command {
    Imports(Imports),
    Audit(Audit),
}

/// Check that the files of a package import each other without cycles, and that docs/architecture.md draws exactly the
/// dependencies between the packages.
#[derive(FromArgs)]
#[argh(subcommand, name = "imports")]
pub struct Imports {}

/// Compare docs/audit.md and docs/audit.html with the source and the built image, and write FOLDER/sbom.cdx.json.
#[derive(FromArgs)]
#[argh(subcommand, name = "audit")]
pub struct Audit {
    /// the folder that reproducible/build.sh filled: capelet.eif and parts/
    #[argh(positional)]
    pub folder: PathBuf,
    /// write docs/audit.md and docs/audit.html instead of comparing them
    #[argh(switch)]
    pub write: bool,
}
