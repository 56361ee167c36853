//! `list` and `delete`.

use super::{enclave, identity};
use crate::cli::Context;
use crate::cli::args::{Delete, List};
use crate::cli::output::{describe, mark};
use crate::deploy;
use crate::error::Error;
use crate::home::catalogue::Catalogue;
use crate::listing::{self, Standing};
use crate::values::Hex;
use serde_json::json;

pub(super) fn list(arguments: &List, context: &Context) -> Result<(), Error> {
    let mut session = enclave::session(context)?;
    let identity = identity::identity(context)?;
    let listed = listing::list(&context.home, &mut session, &identity)?;
    let standing = |standing: Standing| match standing {
        Standing::There => "there",
        Standing::Missing => "MISSING: deleted, or withheld",
        Standing::Unknown => "not in your catalogue",
        Standing::Unconfirmed => "there, but its deploy was interrupted",
        Standing::Returned => "there, though deletion was asked for",
    };
    let shown = listed.iter().skip(arguments.offset.unwrap_or(0)).take(arguments.limit.unwrap_or(usize::MAX));
    let mut text = String::new();
    let mut objects = Vec::new();
    for entry in shown {
        let name = entry.name.as_deref().unwrap_or("-");
        text += &format!(
            "{}  {}  {}  {}  {}\n",
            entry.kind.name(),
            entry.id,
            entry.version,
            name,
            standing(entry.standing)
        );
        objects.push(json!({
            "kind": entry.kind.name(), "id": entry.id, "version": entry.version, "name": entry.name,
            "function_checksum": entry.checksum, "standing": entry.standing.code(),
        }));
    }
    let differing = listed.iter().filter(|entry| entry.standing != Standing::There).count();
    let mut object = json!({"entries": objects, "total": listed.len(), "differing": differing});
    mark(&mut object, session.development());
    let missing = listed.iter().filter(|entry| entry.standing == Standing::Missing).count();
    let differs = (missing > 0).then_some(Error::CatalogueDiffers(missing));
    if let Some(differs) = &differs {
        object["error"] = describe(differs);
    }
    context.output.text(&text, &object)?;
    differs.map_or(Ok(()), Err)
}

pub(super) fn delete(arguments: &Delete, context: &Context) -> Result<(), Error> {
    let mut session = enclave::session(context)?;
    let identity = identity::identity(context)?;
    let name = &arguments.function;
    let catalogue: Catalogue = context.home.load()?;
    let known = catalogue.find(name, &session.url().to_string(), &session.root_id());
    let id = match known {
        Some(known) => known.id,
        None => Hex::parse("", name).map_err(|_| Error::UnknownFunction(name.clone()))?,
    };
    let version = arguments.function_version.or(known.map(|known| known.version)).unwrap_or(1);
    deploy::delete(&context.home, &mut session, &identity, id, version)?;
    let fields = [
        ("Function ID", id.to_string()),
        ("Version", version.to_string()),
        ("Deletion", "asked for, not proved".to_owned()),
    ];
    let mut object = json!({"function_id": id, "function_version": version, "deletion": "asked for, not proved"});
    mark(&mut object, session.development());
    context.output.fields(&fields, &object)
}
