//! `contact`.

use crate::cli::args::contact::{ContactAdd, ContactFetch, ContactRemove};
use crate::cli::context::Context;
use crate::clock;
use crate::error::Error;
use crate::home::contacts::{Contact, Contacts};
use crate::statements;
use crate::values::{Hex, OwnerText};
use serde_json::{Value, json};

pub(super) fn add(arguments: &ContactAdd, context: &Context) -> Result<(), Error> {
    let OwnerText(owner) = OwnerText::parse(&arguments.key).ok_or_else(|| Error::BadValue {
        name: "KEY",
        value: arguments.key.clone(),
        want: "an owner's key, 52 characters, as `capelet identity show` prints it",
    })?;
    if arguments.fingerprint.as_ref().is_some_and(|fingerprint| *fingerprint != owner.fingerprint()) {
        return Err(Error::FingerprintDiffers);
    }
    context.home.update(|contacts: &mut Contacts| contacts.add(&arguments.name, owner))?;
    if arguments.fingerprint.is_none() {
        context
            .output
            .note("Before you rely on this key, compare the fingerprint with its owner, over a channel that nobody else controls.");
    }
    let object = json!({"name": arguments.name, "owner": OwnerText(owner), "fingerprint": owner.fingerprint()});
    context.output.fields(&[("Name", arguments.name.clone()), ("Fingerprint", owner.fingerprint())], object)
}

pub(super) fn fetch(arguments: &ContactFetch, context: &Context) -> Result<(), Error> {
    let owner = context.home.load::<Contacts>()?.resolve(&arguments.name)?;
    let url = context.url()?;
    let identity = context.identity()?;
    let fetched = context.retrying(|| statements::fetch(&context.home, &url, &identity, &owner, statements::MAX_AGE));
    let fetched = fetched.map_err(|error| error.of_vault(owner == identity.owner()))?;
    context.output.development(fetched.development);
    let fields = [
        ("Owner", fetched.owner.fingerprint()),
        ("Epoch", fetched.epoch.to_string()),
        ("Key", Hex(fetched.kid).to_string()),
        ("Until", clock::date(fetched.until)),
        ("KMS account", fetched.account().to_owned()),
    ];
    let object = json!({
        "owner": OwnerText(fetched.owner), "fingerprint": fetched.owner.fingerprint(), "epoch": fetched.epoch,
        "kid": Hex(fetched.kid), "expires_at": fetched.until.get(), "kms_account": fetched.account(),
    });
    context.output.fields(&fields, object)
}

pub(super) fn list(context: &Context) -> Result<(), Error> {
    let contacts: Contacts = context.home.load()?;
    let all = contacts.all();
    let line = |contact: &Contact| format!("{}  {}  {}", contact.name, contact.owner.0.fingerprint(), contact.owner);
    let lines: Vec<_> = all.iter().map(line).collect();
    let contacts: Value =
        all.iter().map(|c| json!({"name": c.name, "owner": c.owner, "fingerprint": c.owner.0.fingerprint()})).collect();
    context.output.lines(&lines, json!({"contacts": contacts}))
}

pub(super) fn remove(arguments: &ContactRemove, context: &Context) -> Result<(), Error> {
    context.home.update(|contacts: &mut Contacts| contacts.remove(&arguments.name))?;
    context.output.fields(&[("Removed", arguments.name.clone())], json!({"name": arguments.name}))
}
