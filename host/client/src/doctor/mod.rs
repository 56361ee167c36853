//! Checks the set-up of the client, and says for each finding what to do. Nothing is made or changed.
//!
//! A check reads what the commands read, in the same way. It reports what they would report, and what they cannot see:
//! an old backup, a clock that is about to be refused, a statement that is about to expire.

mod backup;
mod catalogue;
mod enclave;
mod finding;
mod folders;
mod identity;
mod pins;
mod settings;
mod state;
mod statement;

pub use finding::{Check, Finding, Level};

use crate::address::Address;
use crate::error::Error;
use crate::home::Home;
use crate::home::trust::Trust;
use enclave_core::messages::VERSION;

/// What was found, in the order of [`Check::ALL`].
#[derive(Debug)]
pub struct Examination {
    /// At least one finding.
    pub findings: Vec<Finding>,
    /// Whether the enclave was verified under a development root.
    pub development: bool,
}

/// Checks everything. `address` finds the enclave's address; it is called only if the folders can be trusted. With
/// `offline`, no connection is opened.
///
/// The folders of `home` need not have been checked before.
pub fn examine(home: &Home, address: impl FnOnce() -> Result<Address, Error>, offline: bool) -> Examination {
    let version = format!("capelet {}, protocol {VERSION}", env!("CARGO_PKG_VERSION"));
    let mut findings = vec![Finding::ok(Check::Versions, version)];
    findings.extend(folders::check(home.folders()));
    if findings.iter().any(|finding| finding.level == Level::Problem) {
        // What others may have changed says nothing.
        findings.push(Finding::skipped(Check::Settings, "nothing else was checked, because of the folders"));
        return Examination { findings, development: false };
    }
    findings.push(settings::check(home));
    let address = address();
    findings.push(pins::check_address(&address));
    let url = address.ok().map(|address| address.url);
    findings.extend(pins::check(home, url.as_ref()));
    findings.push(state::check(home));
    let (finding, owner) = identity::check(home);
    findings.push(finding);
    findings.extend(catalogue::check(home, owner.as_ref()));
    let trust = home.load::<Trust>().unwrap_or_default();
    let pinned = url.as_ref().and_then(|url| Some((url, trust.entry(url).ok()?)));
    if let Some(owner) = owner {
        findings.extend(backup::check(home, &owner));
        findings.extend(pinned.map(|(url, entry)| statement::check(home, &owner, url, entry)));
    }
    let (of_enclave, development) = enclave::check(pinned, offline);
    findings.extend(of_enclave);
    Examination { findings, development }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_in_the_order_of_the_checks() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        let found = examine(&home, || Err(Error::NoUrl), true).findings;
        let place = |finding: &Finding| Check::ALL.iter().position(|check| *check == finding.check).unwrap();
        assert!(found.iter().map(place).is_sorted(), "{found:?}");
        // Looking makes nothing.
        assert!(!folder.path().join("home").exists());
    }
}
