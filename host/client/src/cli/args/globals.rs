//! The options that every command takes.

/// The options `-u`, `-o`, `-v` and `--timeout`. They may stand after any part of the command.
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
}

impl Globals {
    /// Completes the options of an inner command with those of the command that contains it. The inner ones win.
    pub(super) fn or(self, outer: Self) -> Self {
        Self {
            url: self.url.or(outer.url),
            output: self.output.or(outer.output),
            verbose: self.verbose || outer.verbose,
            timeout: self.timeout.or(outer.timeout),
        }
    }
}
