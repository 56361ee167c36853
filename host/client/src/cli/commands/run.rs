//! `run`.

use crate::cli::args::run::Run;
use crate::cli::context::Context;
use crate::cli::input::{check_sha384, parse_checksum};
use crate::cli::output::{Output, describe};
use crate::cli::progress::Progress;
use crate::cli::protected;
use crate::error::Error;
use crate::evidence;
use crate::files::Source;
use crate::home::RECEIPTS;
use crate::home::catalogue::Catalogue;
use crate::home::contacts::Contacts;
use crate::inputs::{Form, Input, Inputs};
use crate::policy;
use crate::run::{self, FinishedRun};
use crate::session::Session;
use crate::values::Hex;
use capelet_cli::arguments::STDIN;
use capelet_cli::format::Format;
use capelet_cli::output_file::{self, Existing, OutputFile, Readers, RenamedFile};
use data_encoding::BASE64;
use enclave_core::objects::ReceiptFunction;
use enclave_core::{Checksum, Limits, ObjectId, OwnerKey};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::rc::Rc;

/// The limit for one input, in bytes: the largest input of any enclave, and the bytes that encryption adds.
const MAX_INPUT: u64 = Limits::MAXIMA.input + (1 << 20);

pub(super) fn run(arguments: &Run, context: &Context) -> Result<(), Error> {
    // Invalid arguments are reported before a connection is opened.
    let checksum = arguments.function_checksum.as_deref();
    let checksum = checksum.map(|text| parse_checksum("--function-checksum", text)).transpose()?;
    check_sha384("--key-policy-checksum", arguments.key_policy_checksum.as_deref())?;
    let form = Form::of_options(arguments.plain, arguments.ciphertext)?;
    let inputs = inputs(arguments, form, &context.output)?;
    let files: Vec<_> = arguments.file.iter().map(Path::new).collect();
    let receipt = arguments.receipt.as_deref().map(Path::new);
    receipt.map_or(Ok(()), |receipt| protected::check(receipt, &context.home, &files, false))?;
    let receipt = arguments.receipt.as_deref().map(ReceiptFile::named).transpose()?;
    let mut session = context.connect()?;
    let attested = session.evidence().claims.kms.as_ref().and_then(|kms| kms.policy);
    policy::check(attested, arguments.key_policy_checksum.as_deref())?;
    let identity = context.identity()?;
    let (function, name) = function(arguments, context, &session, identity.owner(), checksum)?;
    session.observe(Progress::observer("Waiting for the function's result"));
    // The inputs are kept only if the run can be repeated: they can be as large as the result.
    let inputs = Rc::new(inputs);
    let finished = if context.retry.is_possible() {
        context.retrying(|| run::run(&context.home, &mut session, &identity, &function, inputs.clone()))?
    } else {
        run::run(&context.home, &mut session, &identity, &function, inputs)?
    };

    let ReceiptFunction { id, version, .. } = function;
    context.output.note(&format!("Ran version {version} of {}.", name.clone().unwrap_or_else(|| Hex(id).to_string())));

    // The receipt is complete before the result is printed, so that nothing that ends the program then can lose it. Only
    // the disk is waited for afterwards.
    let receipt = write_receipt(receipt, context, &finished);
    if let Ok(WrittenReceipt { path, .. }) = &receipt {
        let note = format!("The receipt is valid, and was written to {path}.");
        if finished.output.is_ok() { context.output.detail(&note) } else { context.output.note(&note) }
    }
    let path = receipt.as_ref().map(|receipt| receipt.path.as_str());
    let printed = print(context, &function, name.as_deref(), finished, path);
    let kept = receipt.and_then(WrittenReceipt::sync);
    match (printed, kept) {
        (Ok(()), kept) => kept,
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(not_kept)) => {
            context.output.note(&not_kept.to_string());
            Err(error)
        }
    }
}

/// Prints what the function returned, or returns its error. `receipt` is the receipt's path, or why it was not written.
fn print(
    context: &Context,
    function: &ReceiptFunction,
    name: Option<&str>,
    finished: FinishedRun,
    receipt: Result<&str, &Error>,
) -> Result<(), Error> {
    let ReceiptFunction { id, version, .. } = *function;
    // The function wrote this, not this program.
    context.output.diagnostic(&finished.diagnostic);
    let output = finished.output.map_err(Error::Answered)?;
    if context.output.format == Format::Plain {
        return context.output.result(&output);
    }
    let mut object = json!({
        "function_id": Hex(id), "function_version": version, "function_name": name,
        "function_checksum": Hex(function.checksum),
        "input_commitments": evidence::commitments_json(&finished.receipt.inputs),
        "output_commitment": finished.receipt.output.map(|output| Hex(output).to_string()),
        "receipt": receipt.ok(),
    });
    if let Err(error) = receipt {
        object["error"] = describe(error);
    }
    let text = std::str::from_utf8(&output).ok();
    let encoding = BASE64;
    let bytes = if text.is_none() { Some(encoding.encode_display(&output)) } else { None };
    let rest = context.output.envelope().with(object);
    context.output.json(&Printed { rest: &rest, output: text, output_base64: bytes.map(Displayed) })
}

/// The printed object. The output is not copied, because it may be large.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    rest: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_base64: Option<Displayed<data_encoding::Display<'a>>>,
}

/// A value whose text form is printed while it is made.
struct Displayed<B>(B);

impl<B: Display> Serialize for Displayed<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The file for the receipt.
struct ReceiptFile {
    path: String,
    file: OutputFile,
}

impl ReceiptFile {
    /// The file of `--receipt`. It is opened before the run, which cannot be repeated if the file cannot be written.
    fn named(path: &str) -> Result<Self, Error> {
        if output_file::is_stdout(Path::new(path)) {
            return Err(Error::Argument {
                name: "--receipt",
                want: "a file, because the result goes to standard output",
            });
        }
        Self::create(Path::new(path))
    }

    fn create(path: &Path) -> Result<Self, Error> {
        // A receipt contains the salts of its commitments, with which its reader can guess the data.
        let file = OutputFile::create(path, Readers::Owner, Existing::Replace);
        let file = file.map_err(|error| Error::io("write", path, &error))?;
        Ok(Self { path: path.display().to_string(), file })
    }

    fn write(mut self, bundle: &[u8]) -> Result<WrittenReceipt, Error> {
        let written = self.file.write_all(bundle).and_then(|()| self.file.rename());
        let file = written.map_err(|error| Error::io("write", Path::new(&self.path), &error))?;
        Ok(WrittenReceipt { path: self.path, file })
    }
}

/// A receipt that is complete under its path, and that the disk need not have yet.
struct WrittenReceipt {
    path: String,
    file: RenamedFile,
}

impl WrittenReceipt {
    /// Waits until the disk has the receipt.
    fn sync(self) -> Result<(), Error> {
        let synced = self.file.sync().map_err(|error| Error::io("sync", Path::new(&self.path), &error));
        synced.map_err(|error| Error::ReceiptNotKept { error: Box::new(error), written: true })
    }
}

/// Writes the receipt to the file of `--receipt`, or else to the folder of receipts.
fn write_receipt(
    receipt: Option<ReceiptFile>,
    context: &Context,
    finished: &FinishedRun,
) -> Result<WrittenReceipt, Error> {
    let file = receipt.map_or_else(
        || ReceiptFile::create(&context.home.file_in(RECEIPTS, &format!("{}.receipt", Hex(finished.id)))?),
        Ok,
    );
    let written = file.and_then(|file| file.write(&finished.bundle));
    written.map_err(|error| Error::ReceiptNotKept { error: Box::new(error), written: false })
}

/// The inputs: the argument, the files, or standard input unless it is a terminal. Without any, one empty input.
fn inputs(arguments: &Run, form: Form, output: &Output) -> Result<Inputs, Error> {
    if arguments.input.is_some() && !arguments.file.is_empty() {
        return Err(Error::Argument { name: "the input", want: "given either as an argument or with -f, not both" });
    }
    let sources = match arguments.input.as_deref() {
        Some(STDIN) => vec![Source::stdin()?],
        Some(text) => {
            let inputs = Inputs::one(text.as_bytes(), form)?;
            if inputs.iter().any(|input| matches!(input, Input::Plain(_))) {
                output.warn_of_argument();
            }
            return Ok(inputs);
        }
        None if !arguments.file.is_empty() => {
            arguments.file.iter().map(|file| Source::open(Path::new(file))).collect::<Result<_, _>>()?
        }
        None if io::stdin().is_terminal() => return Inputs::one(b"", form),
        None => vec![Source::stdin()?],
    };
    Inputs::read(sources, MAX_INPUT, form)
}

/// The function to run, and its name in the catalogue. Its checksum comes from the catalogue or the arguments, never from
/// the enclave.
fn function(
    arguments: &Run,
    context: &Context,
    session: &Session,
    me: OwnerKey,
    checksum: Option<Checksum>,
) -> Result<(ReceiptFunction, Option<String>), Error> {
    let (owner, name) = match arguments.function.split_once('/') {
        Some((owner, name)) => (context.home.load::<Contacts>()?.resolve(owner)?, name),
        None => (me, arguments.function.as_str()),
    };
    let catalogue: Catalogue = context.home.load_of(&me)?;
    let root = session.root_id();
    let chosen = match owner == me {
        true => catalogue.choose(name, arguments.function_version, &session.url().to_string(), &root)?,
        false => None,
    };
    let (id, version) = match chosen {
        Some(chosen) => chosen,
        None => (parse_id(name)?, arguments.function_version.unwrap_or(1)),
    };
    let recorded = catalogue.function(&id, version, &root).filter(|_| owner == me);
    let checksum = checksum.or(recorded.map(|f| f.checksum.0)).ok_or_else(|| Error::NoChecksum(name.to_owned()))?;
    let name = recorded.map(|recorded| recorded.name.clone());
    Ok((ReceiptFunction { owner, id, version, checksum }, name))
}

/// Parses the id of a function that is not in the catalogue.
pub(super) fn parse_id(text: &str) -> Result<ObjectId, Error> {
    let Hex(id) = Hex::parse(text).ok_or_else(|| Error::UnknownFunction(text.to_owned()))?;
    Ok(id)
}
