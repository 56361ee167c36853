//! The arguments of `capelet-manual`.

use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// Writes the man pages, completions and the page docs/cli.md of the other programs.
#[derive(FromArgs, ArgsInfo)]
#[argh(help_triggers("-h", "--help"))]
pub struct Arguments {
    /// write man pages and completions into this folder, at their places below an installation's prefix
    #[argh(option, arg_name = "folder")]
    pub to: Option<PathBuf>,
    /// write all pages into this file, as Markdown
    #[argh(option, arg_name = "file")]
    pub markdown: Option<PathBuf>,
}
