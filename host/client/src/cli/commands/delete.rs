//! `delete`.

use crate::cli::args::delete::Delete;
use crate::cli::context::Context;
use crate::cli::output::mark;
use crate::deploy;
use crate::error::Error;
use crate::home::catalogue::Catalogue;
use crate::values::Hex;
use serde_json::json;

pub(super) fn delete(arguments: &Delete, context: &Context) -> Result<(), Error> {
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let name = &arguments.function;
    let catalogue: Catalogue = context.home.load()?;
    let known = catalogue.find(name, &session.url().to_string(), &session.root_id());
    let id = match known {
        Some(known) => known.id,
        None => Hex::parse(name).ok_or_else(|| Error::UnknownFunction(name.clone()))?,
    };
    let version = arguments.function_version.or(known.map(|known| known.version)).unwrap_or(1);
    deploy::delete(&context.home, &mut session, &identity, id.0, version)?;
    let fields = [
        ("Function ID", id.to_string()),
        ("Version", version.to_string()),
        ("Deletion", "asked for, not proved".to_owned()),
    ];
    let mut object = json!({"function_id": id, "function_version": version, "deletion": "asked for, not proved"});
    mark(&mut object, session.development());
    context.output.fields(&fields, &object)
}
