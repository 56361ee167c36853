//! `delete`.

use super::run::parse_id;
use crate::cli::args::delete::Delete;
use crate::cli::context::Context;
use crate::deploy;
use crate::error::Error;
use crate::home::catalogue::Catalogue;
use crate::values::Hex;
use serde_json::json;

pub(super) fn delete(arguments: &Delete, context: &Context) -> Result<(), Error> {
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let name = &arguments.function;
    let catalogue: Catalogue = context.home.load_of(&identity.owner())?;
    let chosen = catalogue.choose(name, arguments.function_version, &session.url().to_string(), &session.root_id())?;
    let (id, version) = match chosen {
        Some(chosen) => chosen,
        None => (parse_id(name)?, arguments.function_version.unwrap_or(1)),
    };
    deploy::delete(&context.home, &mut session, &identity, id, version)?;
    let fields = [
        ("Function ID", Hex(id).to_string()),
        ("Version", version.to_string()),
        ("Deletion", "asked for, not proved".to_owned()),
    ];
    let object = json!({"function_id": Hex(id), "function_version": version, "deletion": "asked for, not proved"});
    context.output.fields(&fields, object)
}
