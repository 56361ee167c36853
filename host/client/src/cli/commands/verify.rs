//! `verify`.

use crate::cli::args::verify::Verify;
use crate::cli::context::Context;
use crate::cli::document_text;
use crate::cli::input::{max_age, read_file_or_stdin, read_root, time};
use crate::clock;
use crate::error::Error;
use crate::pins::ImagePins;
use crate::root_id::RootId;
use crate::values::Hex;
use crate::{Crypto, evidence};
use data_encoding::HEXLOWER_PERMISSIVE;
use enclave_core::attestation::{MAX_DOCUMENT, MAX_FIELD, MAX_SKEW, Pins, verify_unbound};
use serde_json::json;

/// The largest file, in bytes. Two hexadecimal digits stand for one byte, and line ends take up to as much again.
const MAX_FILE: u64 = 4 * MAX_DOCUMENT as u64;

pub(super) fn verify(arguments: &Verify, context: &Context) -> Result<(), Error> {
    // A missing pin is reported before any other error.
    let image = ImagePins::parse(&arguments.pcr)?;
    let pins = Pins::new(vec![image.build().clone()], Vec::new())?;
    let root = read_root(arguments.root.as_deref())?;
    let nonce = arguments.nonce.as_deref().map(nonce).transpose()?;
    let at = time(arguments.at.as_deref())?;
    let max_age = max_age(arguments.max_age.as_deref(), MAX_SKEW)?;
    let file = read_file_or_stdin(&arguments.file, MAX_FILE)?;
    let document = document_text::decode(&file);
    let facts = verify_unbound::<Crypto>(&document, &root, &pins, nonce.as_deref(), at, max_age)?;
    context.output.development(facts.development);
    let mut fields = vec![
        ("Document", "verified; it proves nothing about a connection".to_owned()),
        ("Time", format!("{} ({})", clock::date(facts.timestamp), facts.timestamp.get())),
        ("Enclave", facts.module_id.clone()),
        ("Root", evidence::root_name(&root)),
    ];
    let pcrs = evidence::pcr_fields(&facts.pcrs);
    fields.extend(pcrs.iter().map(|(name, pcr)| (name.as_str(), pcr.clone())));
    let object = json!({
        "verified": true,
        "connection": false,
        "timestamp": facts.timestamp.get(),
        "module_id": facts.module_id,
        "root": Hex(RootId::of(&root)),
        "pcrs": evidence::pcrs_json(&facts.pcrs),
    });
    context.output.fields(&fields, object)
}

/// Parses `--nonce`.
fn nonce(text: &str) -> Result<Vec<u8>, Error> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    let fits = bytes.filter(|bytes| (1..=MAX_FIELD).contains(&bytes.len()));
    fits.ok_or(Error::Argument { name: "--nonce", want: "2 to 2,048 hexadecimal digits" })
}
