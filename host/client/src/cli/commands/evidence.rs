//! `verify FILE`.

use super::read;
use crate::cli::Context;
use crate::cli::args::Verify;
use crate::cli::output::mark;
use crate::clock;
use crate::error::Error;
use crate::files;
use crate::pins::Pins;
use crate::values::Hex;
use crate::{Crypto, evidence};
use data_encoding::HEXLOWER_PERMISSIVE;
use enclave_core::document::{MAX_DOCUMENT, MAX_FIELD};
use enclave_core::verify::{MAX_SKEW, Pins as Builds, Root, judge_bare};
use serde_json::json;
use std::path::Path;

pub(super) fn verify(arguments: &Verify, context: &Context) -> Result<(), Error> {
    // Whoever says no pins is told so, whatever else is wrong.
    let pins = Pins::parse(&arguments.pcr)?;
    let builds = Builds::new(vec![pins.build().clone()], Vec::new())?;
    let root = root(arguments.root.as_deref())?;
    let nonce = arguments.nonce.as_deref().map(nonce).transpose()?;
    let at = arguments.at.unwrap_or_else(clock::now);
    let max_age = match arguments.max_age {
        Some(seconds) => seconds.checked_mul(1000).ok_or(Error::Argument { name: "--max-age", want: "seconds" })?,
        None => MAX_SKEW,
    };
    let document = read(&arguments.file, MAX_DOCUMENT as u64)?;
    let judged = judge_bare::<Crypto>(&document, &root, &builds, nonce.as_deref(), at, max_age)?;
    context.output.development(judged.development);
    let mut fields = vec![
        ("Document", "verified; it speaks of no connection".to_owned()),
        ("Time", format!("{} ({})", clock::date(judged.timestamp), judged.timestamp)),
        ("Enclave", judged.module_id.clone()),
        ("Root", evidence::root_name(&root)),
    ];
    let pcrs = evidence::pcr_fields(&judged.pcrs);
    fields.extend(pcrs.iter().map(|(name, pcr)| (name.as_str(), pcr.clone())));
    let mut object = json!({
        "verified": true,
        "connection": false,
        "timestamp": judged.timestamp,
        "module_id": judged.module_id,
        "root": Hex(root.sha256()),
        "pcrs": evidence::pcrs_json(&judged.pcrs),
    });
    mark(&mut object, judged.development);
    context.output.fields(&fields, &object)
}

/// Amazon's root, or the one in a file.
pub(super) fn root(path: Option<&str>) -> Result<Root, Error> {
    /// The largest certificate, in bytes.
    const MAX_ROOT: u64 = 8192;
    match path {
        None => Ok(Root::aws()),
        Some(path) => {
            let der = files::read(Path::new(path), MAX_ROOT)?.to_vec();
            let root = Root::development(der)?;
            // Amazon's own, named by its file, is not a development root.
            Ok(if root.is_development() { root } else { Root::aws() })
        }
    }
}

fn nonce(text: &str) -> Result<Vec<u8>, Error> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    let fits = bytes.filter(|bytes| (1..=MAX_FIELD).contains(&bytes.len()));
    fits.ok_or(Error::Argument { name: "--nonce", want: "2 to 2,048 hexadecimal digits" })
}
