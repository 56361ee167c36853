//! A KMS key that is not what the owner last accepted, or whose texts differ: which key, which texts, what to do.

use std::path::PathBuf;

/// The key, the exceptions that the owner must accept, and the files to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key's ARN.
    pub arn: String,
    /// The exceptions that were not accepted.
    pub exceptions: Vec<&'static str>,
    /// For each text that differs, the file of the accepted one and the file of the present one. `None` if the present
    /// one could not be read.
    pub files: Vec<(PathBuf, Option<PathBuf>)>,
}

impl KeyChange {
    /// What is wrong, and what to do about it.
    pub fn text(&self) -> String {
        let compare = |(accepted, now): &(PathBuf, Option<PathBuf>)| match now {
            Some(now) => format!("compare {} with {}", accepted.display(), now.display()),
            None => format!("the text of {} can no longer be read", accepted.display()),
        };
        let compare: Vec<_> = self.files.iter().map(compare).collect();
        let compare = if compare.is_empty() { "ask the enclave's operator".to_owned() } else { compare.join(", and ") };
        let Self { arn, exceptions, .. } = self;
        let exceptions = exceptions.join(",");
        format!(
            "the KMS key {arn} is not what you last accepted ({exceptions}), and nothing was signed: {compare}; if you \
             accept the change, give --accept {exceptions}"
        )
    }
}
