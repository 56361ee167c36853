//! The two formats of results and of logs.

use argh::FromArgValue;

/// What `-o` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Plain,
    /// For programs: each result is one object on one line.
    Json,
}

impl Format {
    /// The format with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Plain, Self::Json].into_iter().find(|format| format.name() == name)
    }

    /// The name of the format on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "json",
        }
    }
}

impl FromArgValue for Format {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        Self::named(value).ok_or_else(|| format!("'{value}' is unsupported: use plain or json"))
    }
}
