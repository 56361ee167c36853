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
use crate::pins::Pins;
use crate::receipts::{self, MAX_RECEIPT};
use crate::values::{Hex, Owner};
use enclave_core::config::Limits;
use enclave_core::receipt::Receipt;
use enclave_core::status;
use enclave_core::verify::Pins as Builds;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn verify(arguments: &ReceiptVerify, context: &Context) -> Result<(), Error> {
    let bytes = read_file_or_stdin(&arguments.file, MAX_RECEIPT)?;
    let result = arguments.result.as_ref().map(|path| read_file_or_stdin(path, Limits::MAXIMA.output)).transpose()?;
    let inputs = arguments.input.iter().map(|path| read_file_or_stdin(path, Limits::MAXIMA.input));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let mut data = vec![result.as_ref().map(|bytes| bytes.as_slice())];
    data.extend(inputs.iter().map(|bytes| Some(bytes.as_slice())));
    let checked = if arguments.pcr.is_empty() && arguments.root.is_none() {
        receipts::check_trusted(&bytes, &context.home.load::<Trust>()?, &data)?
    } else {
        let pins = Builds::new(vec![Pins::parse(&arguments.pcr)?.build().clone()], Vec::new())?;
        receipts::check(&bytes, &read_root(arguments.root.as_deref())?, &pins, &data)?
    };
    context.output.development(checked.facts.development);
    let compared = data.iter().flatten().count();
    let total = checked.disclosed.len();
    let mut shown = fields(&checked.receipt);
    shown.insert(0, ("Receipt", format!("verified; {compared} of {total} inputs and results compared")));
    if checked.facts.development {
        shown.push(("Root", "DEVELOPMENT".to_owned()));
    }
    let mut object = object(&checked.receipt);
    object["verified"] = true.into();
    object["compared"] = compared.into();
    object["pcrs"] = evidence::pcrs_json(&checked.facts.pcrs);
    mark(&mut object, checked.facts.development);
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
    let [start, end] = receipt.time;
    let ended = match receipt.status {
        status::DONE => "done".to_owned(),
        number => status::error(number, None).code().to_owned(),
    };
    vec![
        ("Function ID", Hex(function.id).to_string()),
        ("Function Checksum", Hex(function.checksum).to_string()),
        ("Function Owner", Owner(function.owner).fingerprint()),
        ("Caller", Owner(receipt.caller).fingerprint()),
        ("Inputs", receipt.inputs.len().to_string()),
        ("Ended", ended),
        ("Time", format!("{} to {}", clock::date(start), clock::date(end))),
    ]
}

fn object(receipt: &Receipt) -> Value {
    let function = &receipt.function;
    json!({
        "function_id": Hex(function.id),
        "function_version": function.version,
        "function_checksum": Hex(function.checksum),
        "function_owner": Owner(function.owner),
        "caller": Owner(receipt.caller),
        "inputs": receipt.inputs.iter().map(|input| Hex(*input).to_string()).collect::<Vec<_>>(),
        "output": receipt.output.map(|output| Hex(output).to_string()),
        "status": receipt.status,
        "start": receipt.time[0],
        "end": receipt.time[1],
    })
}
