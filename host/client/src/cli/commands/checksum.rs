//! `checksum`.

use crate::cli::args::checksum::Checksum;
use crate::cli::context::Context;
use crate::error::Error;
use crate::folder;
use crate::values::Hex;
use serde_json::json;
use std::path::Path;

pub(super) fn checksum(arguments: &Checksum, context: &Context) -> Result<(), Error> {
    let function = folder::read(Path::new(&arguments.path))?;
    let checksum = Hex(function.checksum);
    context.output.lines(&[checksum.to_string()], json!({"function_checksum": checksum}))
}
