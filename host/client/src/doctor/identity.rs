//! The identity: whether it is there, and only the user's.

use super::{Check, Finding};
use crate::error::Error;
use crate::home::catalogue::Catalogue;
use crate::home::{Home, OwnedState as _};
use crate::values::OwnerText;
use enclave_core::OwnerKey;

/// Also returns the owner, if the identity can be read.
pub(super) fn check(home: &Home) -> (Finding, Option<OwnerKey>) {
    let path = home.identity_path();
    let finding = match home.secret() {
        Ok(Some(secret)) => {
            let owner = secret.owner();
            let text = format!("{} in {}", owner.fingerprint(), path.display());
            return (Finding::ok(Check::Identity, text), Some(owner));
        }
        Err(error) => Finding::error(Check::Identity, &error),
        Ok(None) => match home.load::<Catalogue>().ok().and_then(|catalogue| catalogue.owner()) {
            Some(owner) => Finding::error(Check::Identity, &Error::IdentityMissing { path, owner: OwnerText(owner) }),
            None => Finding::ok(Check::Identity, "none yet; the first command that needs one makes it"),
        },
    };
    (finding, None)
}
