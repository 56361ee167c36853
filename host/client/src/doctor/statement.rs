//! The age of the user's own vault statement: senders refuse an old one.

use super::{Check, Finding};
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::Catalogue;
use crate::home::trust::TrustEntry;
use crate::root_id::RootId;
use crate::statements::{MAX_AGE, RENEWAL, verify};
use crate::url::Url;
use enclave_core::OwnerKey;

/// Looks at the statement that this machine kept. Another machine may have renewed it since.
pub(super) fn check(home: &Home, owner: &OwnerKey, url: &Url, entry: &TrustEntry) -> Finding {
    let remedy = format!("run `capelet key renew -u {url}`");
    let fetched = match home.statement(owner, &url.to_string()) {
        Ok(Some(fetched)) => fetched,
        Ok(None) if has_key(home, owner, entry) => {
            return Finding::warning(Check::Statement, "this machine has no statement of your vault key", remedy);
        }
        Ok(None) => {
            let text = format!("you have no vault key at {url}; `capelet key create` makes one");
            return Finding::ok(Check::Statement, text);
        }
        Err(error) => return Finding::error(Check::Statement, &error),
    };
    let now = clock::now();
    match verify(entry, &fetched.statement.0, owner, now, MAX_AGE) {
        Ok(vault) => {
            let (made, renewal) = (clock::date(vault.attested), clock::date(vault.attested.plus(RENEWAL)));
            if now.since(vault.attested) > RENEWAL {
                let days = MAX_AGE / 86_400_000;
                let text = format!("your vault's statement is of {made}, and senders refuse it after {days} days");
                Finding::warning(Check::Statement, text, remedy)
            } else {
                Finding::ok(Check::Statement, format!("your vault's statement is of {made}; renew it after {renewal}"))
            }
        }
        Err(Error::StatementExpired { time, .. }) => {
            let text = format!("your vault's statement is of {}, and senders refuse it", clock::date(time));
            Finding::problem(Check::Statement, text, remedy)
        }
        Err(error) => Finding::error(Check::Statement, &error),
    }
}

/// Whether the catalogue has a confirmed vault key under the entry's root.
fn has_key(home: &Home, owner: &OwnerKey, entry: &TrustEntry) -> bool {
    let (Ok(catalogue), Ok(root)) = (home.load_of::<Catalogue>(owner), entry.root()) else { return false };
    catalogue.current_epoch(&RootId::of(&root)).is_some()
}
