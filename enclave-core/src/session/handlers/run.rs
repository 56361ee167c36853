//! run: runs a function on inputs, and signs a receipt.

use crate::crypto::KemSecret;
use crate::encoding::SecretVec;
use crate::identity::{AuthorisedRun, FunctionCaller};
use crate::messages::{RunFailure, RunInput, RunParams, RunResult, RunStatus, Status};
use crate::objects::{Bundle, Ciphertext, CiphertextHeader, InputCommitments, Receipt, ReceiptFunction, Record};
use crate::parent::{StoreKey, StoreKind};
use crate::platform::{Connection, Job, Platform, RunOutcome, RunOutput, WorkError};
use crate::session::body::Body;
use crate::session::context::Context;
use crate::session::handlers::stored::{self, Opened};
use crate::session::reply::{Reply, ReplyBody};
use crate::session::request_error::RequestError;
use crate::state::{Reservation, now};
use crate::time::UnixMillis;
use crate::types::{Commitment, Kid};
use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;
use capelet_abi::{INPUT_FOLDER, JobLimits, WorkerReport, worker_memory};

/// Fuel for each millisecond of wall time: far more than an interpreter uses, because fuel does not measure time.
const FUEL_PER_MILLISECOND: u64 = 50_000_000;

pub(super) fn run<'p, P: Platform, C: Connection>(
    context: &mut Context<'_, 'p, P>,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply<'p, P>, RequestError> {
    let params: RunParams = context.request.params()?;
    let caller = FunctionCaller::new(context.request, &params.owner)?;
    let (owner, id, version) = (params.owner, params.id, params.version);
    let key = StoreKey { kind: StoreKind::Function, owner, id, version };
    let loaded = stored::get(context, key)?;
    let object = stored::parse(&loaded.bytes, key)?;
    let Record::Function(function) = &object.record else { return Err(Error::Mismatch(MessageKind::Object).into()) };
    if function.checksum != params.checksum {
        return Err(Error::Mismatch(MessageKind::Object).into());
    }

    // For the body, and for what is in it once opened.
    body.check(context.boot.limits.input)?;
    let _reservation = context.reserve(body.length().saturating_mul(2))?;
    let data = body.read(context.boot.limits.input)?;
    let pieces = split(&data, &params.inputs)?;
    let authorised = AuthorisedRun::new(&caller, function, headers(&params.inputs, &pieces)?)?;

    // Opening compares the content with the checksum in the record.
    let function = stored::open(context, authorised.function(), &object)?;
    let inputs = open_inputs(context, &authorised, &params.inputs, &pieces)?;
    let named = ReceiptFunction { owner, id, version, checksum: params.checksum };
    Ok(run_opened(context, &authorised, named, &function, &inputs)?)
}

/// The body, cut into the inputs. They cover all of it.
fn split<'d>(data: &'d [u8], inputs: &[RunInput]) -> Result<Vec<&'d [u8]>, Error> {
    const MISMATCH: Error = Error::Mismatch(MessageKind::Request);
    let mut rest = data;
    let mut pieces = Vec::new();
    for input in inputs {
        let length = usize::try_from(input.length).map_err(|_| MISMATCH)?;
        let (piece, after) = rest.split_at_checked(length).ok_or(MISMATCH)?;
        pieces.push(piece);
        rest = after;
    }
    if rest.is_empty() { Ok(pieces) } else { Err(MISMATCH) }
}

/// The headers of the encrypted inputs.
fn headers(inputs: &[RunInput], pieces: &[&[u8]]) -> Result<Vec<CiphertextHeader>, Error> {
    let encrypted = inputs.iter().zip(pieces).filter(|(input, _)| input.epoch.is_some());
    encrypted.map(|(_, piece)| Ok(Ciphertext::parse(piece)?.header)).collect()
}

/// An input as the function sees it.
enum Input<'d> {
    /// Plaintext in the body, which is not copied.
    Plain(&'d [u8]),
    /// The content of an encrypted file, and what names the file: its vault key and its digest.
    Opened(SecretVec, Kid, [u8; 48]),
}

impl Input<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Opened(bytes, ..) => bytes,
        }
    }
}

/// Plaintext inputs as they are, and encrypted ones opened with their vault keys.
fn open_inputs<'d, P: Platform>(
    context: &Context<'_, '_, P>,
    authorised: &AuthorisedRun,
    inputs: &[RunInput],
    pieces: &[&'d [u8]],
) -> Result<Vec<Input<'d>>, Error> {
    let open = |(input, piece): (&RunInput, &&'d [u8])| match input.epoch {
        None => Ok(Input::Plain(piece)),
        Some(epoch) => open_ciphertext(context, authorised, piece, epoch),
    };
    inputs.iter().zip(pieces).map(open).collect()
}

fn open_ciphertext<'d, P: Platform>(
    context: &Context<'_, '_, P>,
    authorised: &AuthorisedRun,
    file: &[u8],
    epoch: u64,
) -> Result<Input<'d>, Error> {
    let ciphertext = Ciphertext::parse(file)?;
    let vault_key = authorised.vault_key(&ciphertext.header, epoch)?;
    let loaded = stored::get(context, vault_key.key())?;
    let object = stored::parse(&loaded.bytes, vault_key.key())?;
    let seed = stored::open(context, &vault_key, &object)?.bytes;
    let content = ciphertext.open::<P::Crypto>(&authorised.caller(), &KemSecret::from_seed(&seed)?)?;
    Ok(Input::Opened(content, ciphertext.header.kid, ciphertext.digest()))
}

/// Runs the opened function, and signs what happened. Once a worker was started, every outcome has a receipt.
fn run_opened<'p, P: Platform>(
    context: &Context<'_, 'p, P>,
    authorised: &AuthorisedRun,
    function: ReceiptFunction,
    opened: &Opened,
    inputs: &[Input<'_>],
) -> Result<Reply<'p, P>, Error> {
    let started = context.in_time()?;
    let elapsed = context.platform.elapsed();
    let mut reserved = None;
    let ran = match start_worker(context, authorised, opened, inputs, started, &mut reserved) {
        Ok(ran) => Ok(ran),
        Err(WorkError::NotStarted(error)) => return Err(error),
        Err(WorkError::Lost(error)) => Err(RunFailure::Lost(error)),
    };
    // An NSM that fails now must not withhold the receipt: the run's own duration then gives the time of its end.
    let ended = now(context.platform)
        .unwrap_or_else(|_| started.plus(context.platform.elapsed().saturating_sub(elapsed)))
        .max(started);
    let failure = match &ran {
        Ok(ran) => failure(ran, context),
        Err(failure) => Some(*failure),
    };
    let n = context.request.n;
    let commitment = |i: u32, data: &[u8]| Commitment::to(&context.secrets.salt(n, i), data);
    let commitments = |i: u32, input: &Input<'_>| InputCommitments {
        data: commitment(i, input.bytes()),
        ciphertext: match input {
            Input::Plain(_) => None,
            Input::Opened(_, kid, digest) => {
                Some(Commitment::to_ciphertext(&context.secrets.ciphertext_salt(n, i), kid, digest))
            }
        },
    };
    let output = ran.as_ref().ok().filter(|_| failure.is_none()).map(|ran| commitment(0, &ran.output));
    let receipt = Receipt {
        claims: *context.secrets.claims_digest(),
        request: *context.request.digest(),
        function,
        caller: authorised.caller(),
        inputs: (1..).zip(inputs).map(|(i, input)| commitments(i, input)).collect(),
        output,
        status: failure.map_or(RunStatus::DONE, RunStatus::failed),
        started,
        ended,
        verb: context.request.verb,
    };
    let status = failure.map_or(Status::DONE, RunFailure::status);
    let (output, diagnostic) = ran.ok().map(|ran| (ran.output, ran.diagnostic)).unzip();
    let stderr = diagnostic.filter(|_| authorised.shows_stderr());
    Ok(Reply {
        status,
        result: RunResult { value: status.value(), stderr }.encode(),
        receipt: Some(receipt.sign(&context.boot.receipt_key)),
        body: output.filter(|_| failure.is_none()).zip(reserved).map(|(bytes, mut reservation)| {
            reservation.shrink(bytes.capacity() as u64);
            ReplyBody { bytes, _reservation: reservation }
        }),
    })
}

fn start_worker<'p, P: Platform>(
    context: &Context<'_, 'p, P>,
    authorised: &AuthorisedRun,
    opened: &Opened,
    inputs: &[Input<'_>],
    now: UnixMillis,
    reserved: &mut Option<Reservation<'p, P>>,
) -> Result<RunOutput, WorkError> {
    authorised.check_start(&opened.content).map_err(WorkError::NotStarted)?;
    let bundle = Bundle::parse(&opened.bytes).map_err(WorkError::NotStarted)?;
    let manifest = &bundle.manifest;
    let (first, more) = inputs.split_first().ok_or(WorkError::NotStarted(Error::Malformed(MessageKind::Request)))?;
    let names: Vec<String> = (1..=more.len()).map(|i| alloc::format!("{INPUT_FOLDER}/{i}")).collect();
    let more = names.iter().zip(more).map(|(name, data)| (name.as_str(), data.bytes()));
    let files: Vec<(&str, &[u8])> = bundle.files.iter().copied().chain(more).collect();
    let limits = &context.boot.limits;
    let job = Job {
        entry_point: manifest.entry_point,
        handler: manifest.job_handler(),
        arguments: &manifest.arguments,
        module: bundle.module,
        files: &files,
        input: first.bytes(),
        limits: JobLimits {
            memory: limits.memory,
            output: limits.output,
            fuel: limits.run.saturating_mul(FUEL_PER_MILLISECOND),
        },
        time: limits.run,
        account: context.account,
        start_within: context.deadline.time().since(now),
        now,
    };
    // All memory is reserved before the run starts: afterwards it would be too late to refuse.
    let bytes = worker_memory(limits.memory, job.module.len(), job.data_len()).saturating_add(limits.output);
    context.platform.work(&job, &mut || {
        *reserved = Some(context.reserve(bytes)?);
        Ok(())
    })
}

/// Why a run failed; `None` if it completed.
fn failure<P: Platform>(ran: &RunOutput, context: &Context<'_, '_, P>) -> Option<RunFailure> {
    let limits = &context.boot.limits;
    Some(match ran.outcome {
        // The platform stops a worker that writes too much. If it did not, the output is refused here.
        RunOutcome::Reported(WorkerReport::Completed) if ran.output.len() as u64 > limits.output => {
            RunFailure::OutputLimit(limits.output)
        }
        RunOutcome::Reported(WorkerReport::Completed) => return None,
        RunOutcome::Reported(WorkerReport::Status(status)) => RunFailure::ExitStatus(status),
        RunOutcome::Reported(WorkerReport::Trapped | WorkerReport::BadResult) => RunFailure::Trapped,
        RunOutcome::Reported(WorkerReport::Memory) => RunFailure::MemoryLimit(limits.memory),
        RunOutcome::Reported(WorkerReport::Fuel) => RunFailure::FuelLimit,
        RunOutcome::Reported(WorkerReport::Output) => RunFailure::OutputLimit(limits.output),
        RunOutcome::Reported(WorkerReport::BadModule) => RunFailure::BadModule,
        RunOutcome::TimedOut => RunFailure::TimeLimit(limits.run),
        RunOutcome::Died => RunFailure::WorkerDied,
        RunOutcome::Killed => RunFailure::WorkerKilled,
    })
}
