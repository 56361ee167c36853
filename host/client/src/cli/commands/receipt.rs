//! `receipt`.

use crate::cli::args::receipt::{ReceiptDisclose, ReceiptShow, ReceiptVerify};
use crate::cli::context::Context;
use crate::cli::input::{read_file_or_stdin, read_root};
use crate::cli::output::mark;
use crate::clock;
use crate::error::Error;
use crate::evidence;
use crate::files::{self, Readers};
use crate::home::trust::Trust;
use crate::pins::ImagePins;
use crate::receipts::{self, MAX_RECEIPT};
use crate::values::{Hex, OwnerText};
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
    let mut data = vec![result.as_ref().map(|bytes| bytes.as_slice())];
    data.extend(inputs.iter().map(|bytes| Some(bytes.as_slice())));
    let verified = if arguments.pcr.is_empty() && arguments.root.is_none() {
        receipts::verify_trusted(&bytes, &context.home.load::<Trust>()?, &data)?
    } else {
        let pins = Pins::new(vec![ImagePins::parse(&arguments.pcr)?.build().clone()], Vec::new())?;
        receipts::verify(&bytes, &read_root(arguments.root.as_deref())?, &pins, &data)?
    };
    context.output.development(verified.facts.development);
    let compared = data.iter().flatten().count();
    let total = verified.disclosed.len();
    let mut shown = fields(&verified.receipt);
    shown.insert(0, ("Receipt", format!("verified; {compared} of {total} inputs and results compared")));
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
    let copy = receipts::disclose(&bytes, arguments.result, &arguments.input)?;
    files::write(Path::new(&arguments.out), &copy, Readers::Umask)?;
    let mut disclosed: Vec<_> = arguments.result.then(|| "result".to_owned()).into_iter().collect();
    disclosed.extend(arguments.input.iter().map(|input| format!("input {input}")));
    let text = if disclosed.is_empty() { "nothing".to_owned() } else { disclosed.join(", ") };
    let object = json!({"file": arguments.out, "disclosed": disclosed});
    context.output.fields(&[("Receipt", arguments.out.clone()), ("Disclosed", text)], &object)
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
    let ended = Status::error(receipt.status.number(), None).map_or("done", |error| error.code());
    vec![
        ("Function ID", Hex(function.id).to_string()),
        ("Function Checksum", Hex(function.checksum).to_string()),
        ("Function Owner", function.owner.fingerprint()),
        ("Caller", receipt.caller.fingerprint()),
        ("Inputs", receipt.inputs.len().to_string()),
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
        "inputs": receipt.inputs.iter().map(|input| Hex(*input).to_string()).collect::<Vec<_>>(),
        "output": receipt.output.map(|output| Hex(output).to_string()),
        "status": receipt.status.number(),
        "start": receipt.started.get(),
        "end": receipt.ended.get(),
    })
}
