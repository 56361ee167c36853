//! The files that no other check reads: contacts, and the highest epochs seen.

use super::{Check, Finding};
use crate::home::Home;
use crate::home::contacts::Contacts;
use crate::home::seen::Seen;

pub(super) fn check(home: &Home) -> Finding {
    match home.load::<Contacts>().and_then(|contacts| Ok((contacts, home.load::<Seen>()?))) {
        Ok((contacts, _)) => {
            let text = format!("contacts: {}; the highest epochs seen can be read", contacts.all().len());
            Finding::ok(Check::State, text)
        }
        Err(error) => Finding::error(Check::State, &error),
    }
}
