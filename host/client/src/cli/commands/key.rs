//! `key`.

use crate::cli::args::key::{KeyCreate, KeyRenew};
use crate::cli::context::Context;
use crate::clock;
use crate::error::Error;
use crate::home::catalogue::{Catalogue, EpochState};
use crate::policy;
use crate::statements::RENEWAL;
use crate::values::{Hex, OwnerText};
use crate::vault;
use crate::vault_key::VaultKey;
use crate::wrong_image::short;
use serde_json::{Value, json};

pub(super) fn create(arguments: &KeyCreate, context: &Context) -> Result<(), Error> {
    policy::check_names(arguments.accept.as_deref())?;
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let accept = arguments.accept.as_deref();
    let vault =
        context.retrying(|| vault::create(&context.home, &mut session, &identity, accept, arguments.next_epoch))?;
    print(&vault, context)
}

pub(super) fn renew(arguments: &KeyRenew, context: &Context) -> Result<(), Error> {
    policy::check_names(arguments.accept.as_deref())?;
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let vault =
        context.retrying(|| vault::renew(&context.home, &mut session, &identity, arguments.accept.as_deref()))?;
    print(&vault, context)
}

fn print(vault: &VaultKey, context: &Context) -> Result<(), Error> {
    let renewal = vault.attested.plus(RENEWAL);
    let mut fields = vec![
        ("Vault Owner", OwnerText(vault.owner).to_string()),
        ("Fingerprint", vault.owner.fingerprint()),
        ("Epoch", vault.epoch.to_string()),
        ("Key", Hex(vault.kid).to_string()),
        ("Renew", format!("after {}", clock::date(renewal))),
    ];
    if vault.development {
        fields.push(("Root", "DEVELOPMENT".to_owned()));
    }
    let object = json!({
        "owner": OwnerText(vault.owner), "fingerprint": vault.owner.fingerprint(), "epoch": vault.epoch,
        "kid": Hex(vault.kid), "renew_at": renewal.get(), "expires_at": vault.until.get(),
    });
    context.output.fields(&fields, object)
}

pub(super) fn show(context: &Context) -> Result<(), Error> {
    let catalogue: Catalogue = match context.home.secret()? {
        Some(secret) => context.home.load_of(&secret.owner())?,
        None => context.home.load()?,
    };
    let state = |state: EpochState| match state {
        EpochState::Started => "started",
        EpochState::Signed => "signed, but not confirmed: run `capelet key create` again",
        EpochState::Confirmed => "confirmed",
        EpochState::Burnt => "abandoned",
    };
    let mut lines = Vec::new();
    for epoch in catalogue.vault() {
        let kid = epoch.kid.map_or("-".to_owned(), |kid| kid.to_string());
        let image = short(&epoch.image.0);
        lines.push(format!("{}  {kid}  {}  image {image}…  {}", epoch.epoch, epoch.url, state(epoch.state)));
    }
    let keys: Value = catalogue
        .vault()
        .iter()
        .map(|epoch| {
            json!({
                "epoch": epoch.epoch, "kid": epoch.kid, "previous_kid": epoch.previous, "url": epoch.url, "root": epoch.root,
                "pcr0": epoch.image, "state": epoch.state,
            })
        })
        .collect();
    context.output.lines(&lines, json!({"keys": keys}))
}
