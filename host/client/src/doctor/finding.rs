//! A finding: which check, how bad, what was found, and what to do.

use crate::error::Error;
use serde::Serialize;

/// A check. Its name is stable, so that scripts can rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The versions of client and protocol.
    Versions,
    /// The client's folders: owner, mode, layout.
    Folders,
    /// The user's defaults.
    Settings,
    /// The enclave's address, and who chose it.
    Address,
    /// Roots and images, for each address.
    Pins,
    /// The files for contacts and for the highest epochs seen.
    State,
    /// The identity.
    Identity,
    /// The catalogue, the accepted texts, and steps that were begun and not finished.
    Catalogue,
    /// Whether a backup has everything.
    Backup,
    /// The age of the user's own vault statement.
    Statement,
    /// Whether the address can be reached.
    Connection,
    /// The clock of this machine.
    Clock,
    /// Whether the enclave proves that it runs a pinned image.
    Attestation,
    /// The enclave's KMS key.
    Kms,
}

impl Check {
    /// All checks, in the order in which they are made.
    pub const ALL: [Self; 14] = [
        Self::Versions,
        Self::Folders,
        Self::Settings,
        Self::Address,
        Self::Pins,
        Self::State,
        Self::Identity,
        Self::Catalogue,
        Self::Backup,
        Self::Statement,
        Self::Connection,
        Self::Clock,
        Self::Attestation,
        Self::Kms,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Folders => "folders",
            Self::Settings => "settings",
            Self::Address => "address",
            Self::Pins => "pins",
            Self::State => "state",
            Self::Identity => "identity",
            Self::Catalogue => "catalogue",
            Self::Backup => "backup",
            Self::Statement => "statement",
            Self::Connection => "connection",
            Self::Clock => "clock",
            Self::Attestation => "attestation",
            Self::Kms => "kms",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing needs to be done.
    Ok,
    /// It was not checked.
    Skipped,
    /// Everything works, and something should be done.
    Warning,
    /// Some commands fail.
    Problem,
}

impl Level {
    /// The word that begins the finding's line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check that found it.
    pub check: Check,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    #[serde(rename = "message")]
    pub text: String,
    /// What to do. `None` if nothing needs to be done, and where `text` is the sentence of an error, which says it.
    pub remedy: Option<String>,
}

impl Finding {
    /// A finding that needs nothing to be done.
    pub(super) fn ok(check: Check, text: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, text: text.into(), remedy: None }
    }

    /// A check that was not made, and why.
    pub(super) fn skipped(check: Check, why: impl Into<String>) -> Self {
        Self { check, level: Level::Skipped, text: why.into(), remedy: None }
    }

    /// A warning.
    pub(super) fn warning(check: Check, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, text: text.into(), remedy: Some(remedy.into()) }
    }

    /// A problem.
    pub(super) fn problem(check: Check, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Problem, text: text.into(), remedy: Some(remedy.into()) }
    }

    /// A problem that commands report as this error.
    pub(super) fn error(check: Check, error: &Error) -> Self {
        Self { check, level: Level::Problem, text: format!("{error} [{}]", error.code()), remedy: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_both_forms() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).unwrap(), check.name());
        }
        for level in [Level::Ok, Level::Skipped, Level::Warning, Level::Problem] {
            assert_eq!(serde_json::to_value(level).unwrap(), level.word());
        }
    }
}
