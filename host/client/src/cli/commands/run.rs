//! `run`.

use crate::cli::args::run::Run;
use crate::cli::context::Context;
use crate::cli::input::{parse_checksum, read_file_or_stdin, read_stdin};
use crate::cli::output::{Format, describe, mark};
use crate::error::Error;
use crate::evidence;
use crate::files;
use crate::home::catalogue::Catalogue;
use crate::home::contacts::Contacts;
use crate::policy;
use crate::run::{self, FinishedRun, Input};
use crate::session::Session;
use crate::values::Hex;
use capelet_cli::arguments::STDIN;
use capelet_cli::output_file::Readers;
use capelet_cli::streams;
use data_encoding::BASE64;
use enclave_core::objects::ReceiptFunction;
use enclave_core::{Checksum, Limits, OwnerKey};
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The limit for one input, in bytes: the largest input of any enclave, and the bytes that encryption adds.
const MAX_INPUT: u64 = Limits::MAXIMA.input + (1 << 20);

pub(super) fn run(arguments: &Run, context: &Context) -> Result<(), Error> {
    // Invalid arguments are reported before a connection is opened.
    let checksum = arguments.function_checksum.as_deref();
    let checksum = checksum.map(|text| parse_checksum("--function-checksum", text)).transpose()?;
    let inputs = inputs(arguments)?;
    let mut session = context.connect()?;
    let attested = session.evidence().claims.kms.as_ref().and_then(|kms| kms.policy);
    policy::check(attested, arguments.key_policy_checksum.as_deref())?;
    let identity = context.identity()?;
    let function = function(arguments, context, &session, identity.owner(), checksum)?;
    let finished = run::run(&context.home, &mut session, &identity, &function, &inputs)?;

    let kept = keep(arguments, context, &finished);
    match &kept {
        Ok(path) => {
            let note = format!("The receipt is valid, and was written to {path}.");
            if finished.output.is_ok() { context.output.detail(&note) } else { context.output.note(&note) }
        }
        Err(error) if finished.output.is_err() => context.output.note(&error.to_string()),
        // This error is returned at the end, after the function's result was printed.
        Err(_) => {}
    }
    if !finished.diagnostic.is_empty() {
        // The function wrote this, not this program.
        streams::note_bytes(&finished.diagnostic);
    }
    let output = finished.output.map_err(Error::Answered)?;
    if context.output.format == Format::Plain {
        context.output.raw(&output)?;
        return kept.map(drop);
    }
    let checksums = json!({
        "function": Hex(function.checksum),
        "input": evidence::commitments_json(&finished.receipt.inputs),
        "output": finished.receipt.output.map(|output| Hex(output).to_string()),
    });
    let mut object = json!({"checksums": checksums, "receipt": kept.as_ref().ok()});
    if let Err(error) = &kept {
        object["error"] = describe(error);
    }
    match std::str::from_utf8(&output) {
        Ok(text) => object["output"] = text.into(),
        Err(_) => object["output_base64"] = BASE64.encode(&output).into(),
    }
    mark(&mut object, session.development());
    context.output.text("", &object)?;
    kept.map(drop)
}

/// Writes the receipt to the file of `--receipt`, or else to the folder of receipts. Returns the path.
fn keep(arguments: &Run, context: &Context, finished: &FinishedRun) -> Result<String, Error> {
    let kept = match &arguments.receipt {
        Some(path) => files::write(Path::new(path), &finished.bundle, Readers::Umask).map(|()| path.clone()),
        None => {
            let path = context.home.keep("receipts", &format!("{}.receipt", Hex(finished.id)), &finished.bundle);
            path.map(|path| path.display().to_string())
        }
    };
    kept.map_err(|error| Error::ReceiptNotKept(Box::new(error)))
}

/// The inputs: the argument, the files, or standard input unless it is a terminal. Without any, one empty input.
fn inputs(arguments: &Run) -> Result<Vec<Input>, Error> {
    if arguments.input.is_some() && !arguments.file.is_empty() {
        return Err(Error::Argument { name: "the input", want: "given either as an argument or with -f, not both" });
    }
    if !arguments.file.is_empty() {
        return arguments.file.iter().map(|file| Input::recognise(read_file_or_stdin(file, MAX_INPUT)?)).collect();
    }
    let bytes = match arguments.input.as_deref() {
        Some(STDIN) => read_stdin(MAX_INPUT)?,
        Some(text) => Zeroizing::new(text.as_bytes().to_vec()),
        None if io::stdin().is_terminal() => Zeroizing::default(),
        None => read_stdin(MAX_INPUT)?,
    };
    Ok(vec![Input::recognise(bytes)?])
}

/// The function to run. Its checksum comes from the catalogue or the arguments, never from the enclave.
fn function(
    arguments: &Run,
    context: &Context,
    session: &Session,
    me: OwnerKey,
    checksum: Option<Checksum>,
) -> Result<ReceiptFunction, Error> {
    let (owner, name) = match arguments.function.split_once('/') {
        Some((owner, name)) => (context.home.load::<Contacts>()?.resolve(owner)?, name),
        None => (me, arguments.function.as_str()),
    };
    let catalogue: Catalogue = context.home.load()?;
    let known = catalogue.find(name, &session.url().to_string(), &session.root_id()).filter(|_| owner == me);
    let id = match known {
        Some(known) => known.id,
        None => Hex::parse(name).ok_or_else(|| Error::UnknownFunction(name.to_owned()))?,
    };
    let version = arguments.function_version.or(known.map(|known| known.version)).unwrap_or(1);
    let recorded = catalogue.functions().iter().find(|f| f.id == id && f.version == version && owner == me);
    let checksum = checksum.or(recorded.map(|f| f.checksum.0)).ok_or_else(|| Error::NoChecksum(name.to_owned()))?;
    Ok(ReceiptFunction { owner, id: id.0, version, checksum })
}
