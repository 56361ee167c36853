//! run: {1 owner, 2 id, 3 version, 4 checksum, 5 inputs [+ [0, length] plain / [1, length, epoch] ciphertext]}; the
//! body is the inputs, one after the other. The response's body is the output, its result {? 1 value of a limit or
//! exit status, ? 2 stderr}.

use super::{Reply, params, stored};
use crate::bundle::{Bundle, INPUTS};
use crate::cbor::Writer;
use crate::ciphertext::{Ciphertext, CiphertextHeader};
use crate::error::{Error, Part};
use crate::message::{Request, Verb};
use crate::object::Record;
use crate::parent::{Key, Kind};
use crate::platform::{Connection, Ended, Job, Outcome, Platform};
use crate::receipt::{self, Function, Receipt};
use crate::rights::{self, Authorised};
use crate::seal::KemSecret;
use crate::session::{Body, Context};
use crate::vault;
use crate::{shared, status};
use alloc::string::String;
use alloc::vec::Vec;
use capelet_abi::job::Limits;
use capelet_abi::outcome::End;
use zeroize::Zeroizing;

/// Fuel for each millisecond of wall time: far more than an interpreter spends, for fuel does not measure time.
const FUEL_PER_MILLISECOND: u64 = 50_000_000;

struct Params {
    owner: [u8; 32],
    id: [u8; 16],
    version: u64,
    checksum: [u8; 32],
    inputs: Vec<Input>,
}

/// One input: its length in the body, and the epoch of its vault key if it is ciphertext.
struct Input {
    length: usize,
    epoch: Option<u64>,
}

/// See the module.
pub fn run<P: Platform, C: Connection>(
    context: &mut Context<'_, P>,
    request: &Request,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply, Error> {
    let asked = read(request)?;
    // Functions are run by their owners: whoever asks for another's learns nothing, not even whether it is there.
    rights::owner(&request.caller, &asked.owner)?;
    let key = Key { kind: Kind::Function, owner: asked.owner, id: asked.id, version: asked.version };
    let stored = stored::get(context.platform, key)?;
    let head = stored::head(&stored.bytes, key)?;
    let Record::Function(function) = &head.record else { return Err(Error::Disagrees(Part::Object)) };
    if function.checksum != asked.checksum {
        return Err(Error::Disagrees(Part::Object));
    }

    // The body, and what is in it once opened.
    body.check(context.boot.limits.input)?;
    let _held = shared::hold(context.platform, body.length().saturating_mul(2))?;
    let data = body.read(context.boot.limits.input)?;
    let pieces = split(&data, &asked.inputs)?;
    let headers = headers(&asked.inputs, &pieces)?;
    let authorised = rights::run(&request.caller, function, &headers)?;

    // Opening compares the checksum with the record's.
    let bundle = stored::open(context.platform, &authorised, &head, &request.halves)?;
    let inputs = open_inputs(context, request, &authorised, &asked.inputs, &pieces)?;
    let named = Function { owner: asked.owner, id: asked.id, version: asked.version, checksum: asked.checksum };
    work(context, request, &authorised, named, &bundle, &inputs)
}

fn read(request: &Request) -> Result<Params, Error> {
    params(request, |reader| {
        reader.map(5)?;
        reader.key(1)?;
        let owner = reader.fixed()?;
        reader.key(2)?;
        let id = reader.fixed()?;
        reader.key(3)?;
        let version = reader.uint()?;
        reader.key(4)?;
        let checksum = reader.fixed()?;
        reader.key(5)?;
        let count = reader.any_array()?;
        if !(1..=receipt::MAX_INPUTS).contains(&count) {
            return Err(Error::TooLarge(Part::Request));
        }
        let mut inputs = Vec::new();
        for _ in 0..count {
            let items = reader.any_array()?;
            let kind = reader.uint()?;
            let length = usize::try_from(reader.uint()?).map_err(|_| Error::TooLarge(Part::Request))?;
            let epoch = match (kind, items) {
                (0, 2) => None,
                (1, 3) => Some(reader.uint()?),
                _ => return Err(Error::Malformed(Part::Request)),
            };
            inputs.push(Input { length, epoch });
        }
        Ok(Params { owner, id, version, checksum, inputs })
    })
}

/// The body, cut into the inputs: all of it, no more and no less.
fn split<'d>(data: &'d [u8], inputs: &[Input]) -> Result<Vec<&'d [u8]>, Error> {
    let mut rest = data;
    let mut pieces = Vec::new();
    for input in inputs {
        let (piece, after) = rest.split_at_checked(input.length).ok_or(Error::Disagrees(Part::Request))?;
        pieces.push(piece);
        rest = after;
    }
    if rest.is_empty() { Ok(pieces) } else { Err(Error::Disagrees(Part::Request)) }
}

fn headers(inputs: &[Input], pieces: &[&[u8]]) -> Result<Vec<CiphertextHeader>, Error> {
    let encrypted = inputs.iter().zip(pieces).filter(|(input, _)| input.epoch.is_some());
    encrypted.map(|(_, piece)| Ok(Ciphertext::parse(piece)?.header)).collect()
}

/// An input as the function sees it.
enum Data<'d> {
    /// It came in the clear, in the body, which is not copied.
    Plain(&'d [u8]),
    /// It was opened.
    Opened(Zeroizing<Vec<u8>>),
}

impl Data<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Opened(bytes) => bytes,
        }
    }
}

/// Plain inputs as they are, encrypted ones opened under their vault keys.
fn open_inputs<'d, P: Platform>(
    context: &Context<'_, P>,
    request: &Request,
    authorised: &Authorised,
    inputs: &[Input],
    pieces: &[&'d [u8]],
) -> Result<Vec<Data<'d>>, Error> {
    let open = |(input, piece): (&Input, &&'d [u8])| match input.epoch {
        None => Ok(Data::Plain(piece)),
        Some(epoch) => open_ciphertext(context, request, authorised, piece, epoch).map(Data::Opened),
    };
    inputs.iter().zip(pieces).map(open).collect()
}

fn open_ciphertext<P: Platform>(
    context: &Context<'_, P>,
    request: &Request,
    authorised: &Authorised,
    file: &[u8],
    epoch: u64,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let parts = Ciphertext::parse(file)?;
    let id = vault::id(&parts.header.kid);
    let key = Key { kind: Kind::VaultKey, owner: *authorised.caller(), id, version: epoch };
    let stored = stored::get(context.platform, key)?;
    let head = stored::head(&stored.bytes, key)?;
    if head.ad.content != parts.header.kid {
        return Err(Error::WrongKey);
    }
    let seed = stored::open(context.platform, authorised, &head, &request.halves)?;
    parts.open::<P::Crypto>(authorised.caller(), &KemSecret::from_seed(&seed)?)
}

/// Runs the function and signs what happened. From here on every end has a receipt.
fn work<P: Platform>(
    context: &Context<'_, P>,
    request: &Request,
    authorised: &Authorised,
    function: Function,
    bundle: &[u8],
    inputs: &[Data<'_>],
) -> Result<Reply, Error> {
    let start = shared::now(context.platform)?;
    if start > request.not_after {
        return Err(Error::RequestExpired);
    }
    let outcome = start_worker(context, authorised, bundle, inputs, start, request.not_after);
    let end = shared::now(context.platform)?.max(start);
    let ended = match &outcome {
        Ok(outcome) => failure(outcome, context),
        Err(error) => Some(*error),
    };
    let output = outcome.as_ref().ok().filter(|_| ended.is_none()).map(|outcome| &outcome.output);
    let salted = |i: u32, data: &[u8]| receipt::commitment(&context.secrets.salt(context.n, i), data);
    let receipt = Receipt {
        claims: *context.secrets.claims_digest(),
        request: context.request_digest,
        function,
        caller: request.caller,
        inputs: (1..).zip(inputs).map(|(i, input)| salted(i, input.bytes())).collect(),
        output: output.map(|output| salted(0, output)),
        status: ended.map_or(status::DONE, |error| status::of(error).0),
        time: [start, end],
        verb: Verb::Run as u64,
    };
    let receipt = receipt.sign(context.receipt_key());
    let diagnostic =
        outcome.as_ref().ok().filter(|_| authorised.diagnostics()).map(|outcome| outcome.diagnostic.clone());
    Ok(Reply {
        status: ended.map_or(status::DONE, |error| status::of(error).0),
        result: result(ended.and_then(|error| status::of(error).1), diagnostic.as_deref()),
        receipt: Some(receipt),
        body: outcome.ok().filter(|_| ended.is_none()).map(|outcome| outcome.output),
    })
}

fn start_worker<P: Platform>(
    context: &Context<'_, P>,
    _: &Authorised,
    bundle: &[u8],
    inputs: &[Data<'_>],
    now: u64,
    not_after: u64,
) -> Result<Outcome, Error> {
    let bundle = Bundle::parse(bundle)?;
    let manifest = &bundle.manifest;
    let (first, more) = inputs.split_first().ok_or(Error::Malformed(Part::Request))?;
    let names: Vec<String> = (1..=more.len()).map(|i| alloc::format!("{INPUTS}/{i}")).collect();
    let more = names.iter().zip(more).map(|(name, data)| (name.as_str(), data.bytes()));
    let files: Vec<(&str, &[u8])> = bundle.files.iter().copied().chain(more).collect();
    let limits = &context.boot.limits;
    context.platform.work(&Job {
        kind: manifest.kind,
        handler: manifest.job_handler(),
        arguments: &manifest.arguments,
        module: bundle.module,
        files: &files,
        input: first.bytes(),
        limits: Limits {
            memory: limits.memory,
            output: limits.output,
            fuel: limits.run.saturating_mul(FUEL_PER_MILLISECOND),
        },
        time: limits.run,
        within: not_after.saturating_sub(now),
        now,
    })
}

/// What an end comes to; none is success.
fn failure<P: Platform>(outcome: &Outcome, context: &Context<'_, P>) -> Option<Error> {
    let limits = &context.boot.limits;
    match outcome.ended {
        // The driver stops a worker that writes too much; if it did not, nothing of it leaves all the same.
        Ended::Said(End::Completed) if outcome.output.len() as u64 > limits.output => {
            Some(Error::OutputLimit(limits.output))
        }
        Ended::Said(End::Completed) => None,
        Ended::Said(End::Status(status)) => Some(Error::ExitStatus(status)),
        Ended::Said(End::Trapped | End::BadResult) => Some(Error::Trapped),
        Ended::Said(End::Memory) => Some(Error::MemoryLimit(limits.memory)),
        Ended::Said(End::Fuel) => Some(Error::FuelLimit),
        Ended::Said(End::Output) => Some(Error::OutputLimit(limits.output)),
        Ended::Said(End::BadModule) => Some(Error::BadModule),
        Ended::Deadline => Some(Error::TimeLimit(limits.run)),
        Ended::Died => Some(Error::WorkerDied),
    }
}

/// {? 1 value, ? 2 stderr}.
fn result(value: Option<u64>, diagnostic: Option<&Vec<u8>>) -> Zeroizing<Vec<u8>> {
    // More than the heads and the value take.
    let mut writer = Writer::with_capacity(32 + diagnostic.map_or(0, Vec::len));
    writer.map(u64::from(value.is_some()) + u64::from(diagnostic.is_some()));
    if let Some(value) = value {
        writer.uint(1).uint(value);
    }
    if let Some(diagnostic) = diagnostic {
        writer.uint(2).bytes(diagnostic);
    }
    Zeroizing::new(writer.finish())
}
