//! `pcrs`.

use crate::cli::context::Context;
use crate::error::Error;
use crate::evidence;
use crate::values::Hex;
use serde_json::json;

pub(super) fn pcrs(context: &Context) -> Result<(), Error> {
    let session = context.connect()?;
    let pcrs = &session.facts().pcrs;
    let lines: Vec<_> = pcrs.iter().map(|(index, pcr)| format!("{index}:{}", Hex(*pcr))).collect();
    let object = json!({"pcrs": evidence::pcrs_json(pcrs)});
    context.output.lines(&lines, object)
}
