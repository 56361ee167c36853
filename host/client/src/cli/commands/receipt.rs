//! `receipt`.

use crate::cli::args::receipt::{ReceiptDisclose, ReceiptShow, ReceiptVerify};
use crate::cli::context::Context;
use crate::cli::input::{parse_checksum, read_file_or_stdin, read_root};
use crate::cli::output::describe;
use crate::cli::protected;
use crate::clock;
use crate::error::{Error, WrongPart};
use crate::evidence;
use crate::files;
use crate::home::contacts::Contacts;
use crate::home::trust::Trust;
use crate::inputs::Form;
use crate::pins::ImagePins;
use crate::receipts::{self, Files, MAX_RECEIPT, Part, VerifiedReceipt};
use crate::url::Url;
use crate::values::{Hex, OwnerText};
use capelet_cli::format::Format;
use capelet_cli::output_file::{self, Readers};
use enclave_core::attestation::Pins;
use enclave_core::messages::Status;
use enclave_core::objects::{Receipt, ReceiptFunction};
use enclave_core::{Checksum, Error as CoreError, Limits, ObjectId, OwnerKey};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn verify(arguments: &ReceiptVerify, context: &Context) -> Result<(), Error> {
    let demands = Demands::parse(arguments, context)?;
    let form = Form::of_options(arguments.plain, arguments.ciphertext)?;
    let named = context.url_option.as_deref().map(Url::parse).transpose()?;
    if named.is_some() && !(arguments.pcr.is_empty() && arguments.root.is_none()) {
        return Err(Error::Argument { name: "receipt verify", want: "given either -u, or -p and --root, not both" });
    }
    if arguments.input.is_empty() && form != Form::Recognise {
        let option = if arguments.plain { "--plain" } else { "--ciphertext" };
        return Err(Error::UnusedOption { option, command: "receipt verify, without --input," });
    }
    let given = if arguments.pcr.is_empty() && arguments.root.is_none() {
        None
    } else {
        let pins = Pins::new(vec![ImagePins::parse(&arguments.pcr)?.build().clone()], Vec::new())?;
        Some((read_root(arguments.root.as_deref())?, pins))
    };
    let bytes = read_file_or_stdin(&arguments.file, MAX_RECEIPT)?;
    let result = arguments.result.as_ref().map(|path| read_file_or_stdin(path, Limits::MAXIMA.output)).transpose()?;
    let inputs = arguments.input.iter().map(|path| read_file_or_stdin(path, Limits::MAXIMA.input));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let inputs: Vec<_> = inputs.iter().map(|bytes| bytes.as_slice()).collect();
    let files = Files { result: result.as_ref().map(|bytes| bytes.as_slice()), inputs: &inputs, form };
    let trust: Trust = context.home.load()?;
    let (verified, url) = match (given, named) {
        (Some((root, pins)), _) => (receipts::verify(&bytes, &root, &pins, &files)?, None),
        (None, Some(url)) => {
            let entry = trust.entry(&url)?;
            (receipts::verify_under(&bytes, entry, &files)?, Some(entry.url.clone()))
        }
        (None, None) => {
            let (verified, entry) = receipts::verify_trusted(&bytes, &trust, &files)?;
            (verified, Some(entry.url.clone()))
        }
    };
    if verified.facts.development && !arguments.development {
        return Err(Error::DevelopmentRoot);
    }
    demands.check(&verified.receipt)?;
    context.output.development(verified.facts.development);
    print(&verified, url, arguments.allow_failed, context)
}

/// What the receipt must name.
struct Demands {
    function: Option<ObjectId>,
    owner: Option<OwnerKey>,
    checksum: Option<Checksum>,
    caller: Option<OwnerKey>,
}

impl Demands {
    fn parse(arguments: &ReceiptVerify, context: &Context) -> Result<Self, Error> {
        let resolve = |text: &str| context.home.load::<Contacts>()?.resolve(text);
        let (owner, id) = match arguments.function.as_deref().map(|text| text.split_once('/').ok_or(text)) {
            Some(Ok((owner, id))) => (Some(resolve(owner)?), Some(id)),
            Some(Err(id)) => (None, Some(id)),
            None => (None, None),
        };
        let id = id.map(|id| {
            let want = "ID or OWNER/ID, where ID has 32 hexadecimal digits";
            Hex::parse(id).ok_or_else(|| Error::BadValue { name: "--function", value: id.to_owned(), want })
        });
        let checksum = arguments.function_checksum.as_deref();
        Ok(Self {
            function: id.transpose()?.map(|Hex(id)| id),
            owner,
            checksum: checksum.map(|text| parse_checksum("--function-checksum", text)).transpose()?,
            caller: arguments.caller.as_deref().map(resolve).transpose()?,
        })
    }

    /// # Errors
    /// [`Error::Wrong`] with the first difference.
    fn check(&self, receipt: &Receipt) -> Result<(), Error> {
        use WrongPart::{Caller, Function, FunctionChecksum};
        let ReceiptFunction { owner, id, checksum, .. } = &receipt.function;
        let hex = |bytes: &[u8]| enclave_core::encoding::hex(bytes);
        let text = |key: &OwnerKey| OwnerText(*key).to_string();
        let same = |what, wanted: Option<String>, found: String| match wanted {
            Some(wanted) if wanted != found => Err(Error::Wrong { what, wanted, found }),
            _ => Ok(()),
        };
        same(Function, self.function.map(|id| hex(id.as_ref())), hex(id.as_ref()))?;
        same(Function, self.owner.map(|key| format!("{}/{}", text(&key), hex(id.as_ref()))), {
            format!("{}/{}", text(owner), hex(id.as_ref()))
        })?;
        same(FunctionChecksum, self.checksum.map(|checksum| hex(checksum.as_ref())), hex(checksum.as_ref()))?;
        same(Caller, self.caller.map(|key| text(&key)), text(&receipt.caller))
    }
}

/// Prints a verified receipt. The one of a failed run is also an error, unless it is allowed.
fn print(verified: &VerifiedReceipt, url: Option<String>, allow_failed: bool, context: &Context) -> Result<(), Error> {
    let compared = names(&verified.compared);
    let mut shown = fields(&verified.receipt);
    shown.insert(0, ("Receipt", "verified".to_owned()));
    shown.insert(1, ("Compared", one_line(&compared)));
    if let Some(url) = &url {
        shown.insert(2, ("Pinned for", url.clone()));
    }
    if verified.facts.development {
        shown.push(("Root", "DEVELOPMENT".to_owned()));
    }
    let mut object = object(&verified.receipt);
    object["verified"] = true.into();
    object["compared"] = compared.into();
    object["url"] = url.into();
    object["pcrs"] = evidence::pcrs_json(&verified.facts.pcrs);
    let failed = failure(&verified.receipt).filter(|_| !allow_failed).map(Error::RunFailed);
    if let Some(failed) = &failed {
        object["error"] = describe(failed);
    }
    context.output.fields(&shown, object)?;
    failed.map_or(Ok(()), |failed| Err(Error::Printed(Box::new(failed))))
}

pub(super) fn disclose(arguments: &ReceiptDisclose, context: &Context) -> Result<(), Error> {
    let out = Path::new(&arguments.out);
    let stdout = output_file::is_stdout(out);
    if stdout && context.output.format == Format::Json {
        return Err(Error::Argument { name: "--out", want: "a file with -o json, which needs standard output" });
    }
    protected::check(out, &context.home, &[Path::new(&arguments.file)], false)?;
    let bytes = read_file_or_stdin(&arguments.file, MAX_RECEIPT)?;
    let mut parts = Vec::from_iter(arguments.result.then_some(Part::Result));
    parts.extend(arguments.input.iter().copied().map(Part::Input));
    parts.extend(arguments.ciphertext.iter().copied().map(Part::Ciphertext));
    let copy = receipts::disclose(&bytes, &parts)?;
    // Those who read the file can compare what it discloses, and guess it.
    files::write(out, &copy, Readers::Owner)?;
    let disclosed = names(&parts);
    let object = json!({"file": arguments.out, "disclosed": disclosed});
    let fields = [("Receipt", arguments.out.clone()), ("Disclosed", one_line(&disclosed))];
    if stdout {
        context.output.report(&fields[1..]);
        return Ok(());
    }
    context.output.fields(&fields, object)
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
    context.output.fields(&shown, object)
}

/// The error of the run; `None` if it succeeded.
fn failure(receipt: &Receipt) -> Option<CoreError> {
    Status::error(receipt.status.number(), None)
}

fn fields(receipt: &Receipt) -> Vec<(&'static str, String)> {
    let function = &receipt.function;
    let encrypted = receipt.inputs.iter().filter(|input| input.ciphertext.is_some()).count();
    let ended = failure(receipt).map_or("done", |error| error.code());
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
        "input_commitments": evidence::commitments_json(&receipt.inputs),
        "output_commitment": receipt.output.map(|output| Hex(output).to_string()),
        "status": receipt.status.number(),
        "started_at": receipt.started.get(),
        "ended_at": receipt.ended.get(),
    })
}
