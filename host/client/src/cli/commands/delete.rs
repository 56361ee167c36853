//! `delete`.

use super::run::parse_id;
use crate::cli::args::delete::Delete;
use crate::cli::confirm::confirm;
use crate::cli::context::Context;
use crate::deploy;
use crate::error::Error;
use crate::home::catalogue::Catalogue;
use crate::home::trust::Trust;
use crate::root_id::RootId;
use crate::values::Hex;
use serde_json::json;

pub(super) fn delete(arguments: &Delete, context: &Context) -> Result<(), Error> {
    let url = context.url()?;
    let trust: Trust = context.home.load()?;
    let root = RootId::of(&trust.entry(&url)?.root()?);
    // Nobody without an identity has deployed anything.
    let identity = context.home.secret()?.ok_or(Error::NoIdentity)?.identity();
    let name = &arguments.function;
    let catalogue: Catalogue = context.home.load_of(&identity.owner())?;
    let chosen = catalogue.choose(name, arguments.function_version, &url.to_string(), &root)?;
    let (id, version) = match chosen {
        Some(chosen) => chosen,
        None => (parse_id(name)?, arguments.function_version.unwrap_or(1)),
    };
    // The user is asked before the connection is opened, because the enclave does not wait for the answer.
    confirm(arguments.yes, &format!("Delete version {version} of {name} ({}) from the store of {url}?", Hex(id)))?;
    let mut session = context.connect()?;
    context.retrying(|| deploy::delete(&context.home, &mut session, &identity, id, version))?;
    let fields = [
        ("Function ID", Hex(id).to_string()),
        ("Version", version.to_string()),
        ("Deletion", "asked for, not proved".to_owned()),
    ];
    let object = json!({"function_id": Hex(id), "function_version": version, "deletion": "requested"});
    context.output.fields(&fields, object)
}
