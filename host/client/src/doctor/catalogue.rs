//! The catalogue and the accepted texts: whether they can be read, and what was begun and not finished.

use super::{Check, Finding};
use crate::clock;
use crate::error::Error;
use crate::home::accepted::AcceptedTexts;
use crate::home::catalogue::{Catalogue, DeploymentState, EpochState, FunctionEntry};
use crate::home::{Home, OwnedState};
use enclave_core::OwnerKey;

pub(super) fn check(home: &Home, owner: Option<&OwnerKey>) -> Vec<Finding> {
    let accepted = load::<AcceptedTexts>(home, owner).err();
    let mut found: Vec<_> = accepted.map(|error| Finding::error(Check::Catalogue, &error)).into_iter().collect();
    match load::<Catalogue>(home, owner) {
        Err(error) => found.push(Finding::error(Check::Catalogue, &error)),
        Ok(catalogue) => {
            found.extend(unfinished(&catalogue));
            if found.is_empty() {
                let (functions, keys) = (catalogue.functions().len(), catalogue.vault().len());
                let text = format!("function versions: {functions}, vault keys: {keys}; nothing is unfinished");
                found.push(Finding::ok(Check::Catalogue, text));
            }
        }
    }
    found
}

fn load<S: OwnedState>(home: &Home, owner: Option<&OwnerKey>) -> Result<S, Error> {
    owner.map_or_else(|| home.load(), |owner| home.load_of(owner))
}

/// Deployments and vault keys that were begun and not confirmed. What a later deployment of the same name replaced needs
/// nothing to be done.
fn unfinished(catalogue: &Catalogue) -> Vec<Finding> {
    let functions = catalogue.functions().iter().enumerate().filter(|(index, function)| {
        let mut later = catalogue.functions().iter().skip(index + 1);
        let same = |other: &FunctionEntry| {
            (&other.name, &other.url, other.root) == (&function.name, &function.url, function.root)
        };
        function.state == DeploymentState::Started && !later.any(same)
    });
    let functions = functions.map(|(_, function)| {
        let FunctionEntry { name, version, url, time, .. } = function;
        let text = format!(
            "the deployment of {name}, version {version}, to {url} began on {} and was not confirmed",
            clock::date(*time)
        );
        Finding::warning(
            Check::Catalogue,
            text,
            format!("deploy {name} again; `capelet list` shows whether it is stored"),
        )
    });
    let unconfirmed = [EpochState::Started, EpochState::Signed];
    let keys = catalogue.vault().iter().filter(|epoch| unconfirmed.contains(&epoch.state)).map(|epoch| {
        let text = format!(
            "the vault key of epoch {} at {} was begun on {} and not confirmed",
            epoch.epoch,
            epoch.url,
            clock::date(epoch.time)
        );
        Finding::warning(Check::Catalogue, text, format!("run `capelet key create -u {}` again", epoch.url))
    });
    functions.chain(keys).collect()
}
