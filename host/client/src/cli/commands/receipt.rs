//! `receipt`.

use crate::cli::args::receipt::{ReceiptDisclose, ReceiptShow, ReceiptVerify};
use crate::cli::context::Context;
use crate::cli::input::{read_file_or_stdin, read_root};
use crate::cli::output::mark;
use crate::clock;
use crate::error::Error;
use crate::evidence;
use crate::files;
use crate::home::trust::Trust;
use crate::pins::ImagePins;
use crate::receipts::{self, Files, MAX_RECEIPT, Part};
use crate::values::{Hex, OwnerText};
use capelet_cli::output_file::Readers;
use enclave_core::Limits;
use enclave_core::attestation::Pins;
use enclave_core::messages::Status;
use enclave_core::objects::Receipt;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn verify(arguments: &ReceiptVerify, context: &Context) -> Result<(), Error> {
    let bytes = read_file_or_stdin(&arguments.file, MAX_RECEIPT)?;
    let result = arguments.result.as_ref().map(|path| read_file_or_stdin(path, Limits::MAXIMA.output)).transpose()?;
    let inputs = arguments.input.iter().map(|path| read_file_or_stdin(path, Limits::MAXIMA.input));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let inputs: Vec<_> = inputs.iter().map(|bytes| bytes.as_slice()).collect();
    let files = Files { result: result.as_ref().map(|bytes| bytes.as_slice()), inputs: &inputs };
    let verified = if arguments.pcr.is_empty() && arguments.root.is_none() {
        receipts::verify_trusted(&bytes, &context.home.load::<Trust>()?, &files)?
    } else {
        let pins = Pins::new(vec![ImagePins::parse(&arguments.pcr)?.build().clone()], Vec::new())?;
        receipts::verify(&bytes, &read_root(arguments.root.as_deref())?, &pins, &files)?
    };
    context.output.development(verified.facts.development);
    let compared = names(&verified.compared);
    let mut shown = fields(&verified.receipt);
    shown.insert(0, ("Receipt", "verified".to_owned()));
    shown.insert(1, ("Compared", one_line(&compared)));
    if verified.facts.development {
        shown.push(("Root", "DEVELOPMENT".to_owned()));
    }
    let mut object = object(&verified.receipt);
    object["verified"] = true.into();
    object["compared"] = compared.into();
    object["pcrs"] = evidence::pcrs_json(&verified.facts.pcrs);
    mark(&mut object, verified.facts.development);
    context.output.fields(&shown, &object)
}

pub(super) fn disclose(arguments: &ReceiptDisclose, context: &Context) -> Result<(), Error> {
    let bytes = read_file_or_stdin(&arguments.file, MAX_RECEIPT)?;
    let mut parts = Vec::from_iter(arguments.result.then_some(Part::Result));
    parts.extend(arguments.input.iter().copied().map(Part::Input));
    parts.extend(arguments.ciphertext.iter().copied().map(Part::Ciphertext));
    let copy = receipts::disclose(&bytes, &parts)?;
    files::write(Path::new(&arguments.out), &copy, Readers::Umask)?;
    let disclosed = names(&parts);
    let object = json!({"file": arguments.out, "disclosed": disclosed});
    context.output.fields(&[("Receipt", arguments.out.clone()), ("Disclosed", one_line(&disclosed))], &object)
}

/// The names of parts, in the words of the options of `receipt disclose`.
fn names(parts: &[Part]) -> Vec<String> {
    parts.iter().map(Part::to_string).collect()
}

fn one_line(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

pub(super) fn show(arguments: &ReceiptShow, context: &Context) -> Result<(), Error> {
    let (receipt, development) = receipts::read(&read_file_or_stdin(&arguments.file, MAX_RECEIPT)?)?;
    context.output.development(development);
    let mut shown = fields(&receipt);
    shown.insert(0, ("Receipt", "NOT VERIFIED".to_owned()));
    let mut object = object(&receipt);
    object["verified"] = false.into();
    mark(&mut object, development);
    context.output.fields(&shown, &object)
}

fn fields(receipt: &Receipt) -> Vec<(&'static str, String)> {
    let function = &receipt.function;
    let encrypted = receipt.inputs.iter().filter(|input| input.ciphertext.is_some()).count();
    let ended = Status::error(receipt.status.number(), None).map_or("done", |error| error.code());
    vec![
        ("Function ID", Hex(function.id).to_string()),
        ("Function Checksum", Hex(function.checksum).to_string()),
        ("Function Owner", function.owner.fingerprint()),
        ("Caller", receipt.caller.fingerprint()),
        ("Inputs", format!("{}, encrypted: {encrypted}", receipt.inputs.len())),
        ("Ended", ended.to_owned()),
        ("Time", format!("{} to {}", clock::date(receipt.started), clock::date(receipt.ended))),
    ]
}

fn object(receipt: &Receipt) -> Value {
    let function = &receipt.function;
    json!({
        "function_id": Hex(function.id),
        "function_version": function.version,
        "function_checksum": Hex(function.checksum),
        "function_owner": OwnerText(function.owner),
        "caller": OwnerText(receipt.caller),
        "inputs": evidence::commitments_json(&receipt.inputs),
        "output": receipt.output.map(|output| Hex(output).to_string()),
        "status": receipt.status.number(),
        "start": receipt.started.get(),
        "end": receipt.ended.get(),
    })
}
