//! The options that every command takes.

/// The options `-u`, `-o`, `-v`, `--timeout` and `--retry`. They may stand after any part of the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `-u`.
    pub url: Option<String>,
    /// `-o`.
    pub output: Option<String>,
    /// `-v`.
    pub verbose: bool,
    /// `--timeout`.
    pub timeout: Option<u64>,
    /// `--retry`.
    pub retry: Option<u32>,
    /// An option that stands at two parts of the command. One of its values would be ignored.
    pub repeated: Option<&'static str>,
}

impl Globals {
    /// Joins the options of an inner command with those of the command that contains it.
    pub(super) fn or(self, outer: Self) -> Self {
        let both = [
            ("-u", self.url.is_some() && outer.url.is_some()),
            ("-o", self.output.is_some() && outer.output.is_some()),
            ("--timeout", self.timeout.is_some() && outer.timeout.is_some()),
            ("--retry", self.retry.is_some() && outer.retry.is_some()),
        ];
        let repeated = both.into_iter().find_map(|(option, both)| both.then_some(option));
        Self {
            repeated: self.repeated.or(outer.repeated).or(repeated),
            url: self.url.or(outer.url),
            output: self.output.or(outer.output),
            verbose: self.verbose || outer.verbose,
            timeout: self.timeout.or(outer.timeout),
            retry: self.retry.or(outer.retry),
        }
    }
}
