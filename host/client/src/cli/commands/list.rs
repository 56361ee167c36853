//! `list`.

use crate::cli::args::list::List;
use crate::cli::context::Context;
use crate::cli::output::describe;
use crate::error::Error;
use crate::listing::{self, Standing};
use crate::values::Hex;
use enclave_core::objects::ObjectKind;
use serde_json::json;

pub(super) fn list(arguments: &List, context: &Context) -> Result<(), Error> {
    let mut session = context.connect()?;
    let identity = context.identity()?;
    let listed = context.retrying(|| listing::list(&context.home, &mut session, &identity))?;
    let standing = |standing: Standing| match standing {
        Standing::There => "there",
        Standing::Missing => "MISSING: deleted, or withheld by the store",
        Standing::Unknown => "not in your catalogue",
        Standing::Unconfirmed => "there, but its deployment was not confirmed",
        Standing::Returned => "there, although deletion was requested",
    };
    let kind = |kind: ObjectKind| match kind {
        ObjectKind::Function => "function",
        ObjectKind::VaultKey => "key",
    };
    let shown = listed.iter().skip(arguments.offset.unwrap_or(0)).take(arguments.limit.unwrap_or(usize::MAX));
    let mut lines = Vec::new();
    let mut objects = Vec::new();
    for entry in shown {
        let name = entry.name.as_deref().unwrap_or("-");
        lines.push(format!(
            "{}  {}  {}  {}  {}",
            kind(entry.kind),
            Hex(entry.id),
            entry.version,
            name,
            standing(entry.standing)
        ));
        let (kind, standing) = (kind(entry.kind), entry.standing.code());
        objects.push(match entry.kind {
            ObjectKind::Function => json!({
                "kind": kind, "function_id": Hex(entry.id), "function_version": entry.version,
                "function_name": entry.name, "function_checksum": entry.checksum.map(Hex), "standing": standing,
            }),
            ObjectKind::VaultKey => json!({
                "kind": kind, "kid_prefix": Hex(entry.id), "epoch": entry.version, "standing": standing,
            }),
        });
    }
    let differing = listed.iter().filter(|entry| entry.standing != Standing::There).count();
    let mut object = json!({"entries": objects, "total": listed.len(), "differing": differing});
    let missing = listed.iter().filter(|entry| entry.standing == Standing::Missing).count();
    let differs = (missing > 0).then_some(Error::CatalogueDiffers(missing));
    if let Some(differs) = &differs {
        object["error"] = describe(differs);
    }
    context.output.lines(&lines, object)?;
    differs.map_or(Ok(()), Err)
}
