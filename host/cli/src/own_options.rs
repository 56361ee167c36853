//! The options that every program and every command takes. Only the pre-pass knows their short names and `--version`.

use argh::{FlagInfo, FlagInfoKind, Optionality};

/// `-h`, `--help`.
pub const HELP: FlagInfo<'static> = switch('h', "--help", "display usage information");

/// `-V`, `--version`.
pub const VERSION: FlagInfo<'static> = switch('V', "--version", "display the version");

const fn switch(short: char, long: &'static str, description: &'static str) -> FlagInfo<'static> {
    FlagInfo {
        kind: FlagInfoKind::Switch,
        optionality: Optionality::Optional,
        long,
        short: Some(short),
        description,
        hidden: false,
    }
}
