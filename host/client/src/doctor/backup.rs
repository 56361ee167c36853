//! Whether a backup has everything that the owner could not make again.

use super::{Check, Finding};
use crate::clock;
use crate::export::Content;
use crate::home::Home;
use crate::home::backups::Backups;
use enclave_core::OwnerKey;

/// `None` if a file cannot be read, which another check reports.
pub(super) fn check(home: &Home, owner: &OwnerKey) -> Option<Finding> {
    let remedy = "run `capelet identity export FILE`, and keep the file elsewhere";
    let backups: Backups = match home.load() {
        Ok(backups) => backups,
        Err(error) => return Some(Finding::error(Check::Backup, &error)),
    };
    let content = Content::of(home).ok()??;
    let Some(last) = backups.last_of(owner) else {
        let text = "this machine knows of no backup, and without the identity nothing of yours can be decrypted";
        return Some(Finding::warning(Check::Backup, text, remedy));
    };
    let date = clock::date(last.time);
    Some(if last.content == content.backup().ok()?.content {
        Finding::ok(Check::Backup, format!("the backup of {date} has everything"))
    } else {
        Finding::warning(Check::Backup, format!("the backup of {date} lacks what was deployed or made since"), remedy)
    })
}
