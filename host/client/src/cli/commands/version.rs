//! `version`.

use crate::cli::context::Context;
use crate::error::Error;
use enclave_core::messages::VERSION;
use serde_json::json;

pub(super) fn version(context: &Context) -> Result<(), Error> {
    let (version, protocol) = (env!("CARGO_PKG_VERSION"), VERSION);
    let object = json!({"version": version, "protocol": protocol});
    context.output.lines(&[format!("capelet {version}, protocol {protocol}")], object)
}
