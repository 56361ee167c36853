//! The simulated worker: what a function computes, and how a run ends under a fault.

use crate::faults::Fault;
use capelet_abi::{INPUT_FOLDER, WorkerReport};
use enclave_core::crypto::sha256;
use enclave_core::encoding::SecretVec;
use enclave_core::platform::{Job, RunOutcome, RunOutput};
use enclave_core::{Error, MessageKind, TransportError};
use zeroize::Zeroizing;

/// What every function writes to stderr.
pub const DIAGNOSTIC: &[u8] = b"a diagnostic";

/// What every function of the simulation computes: four bytes that identify the module, then each input reversed.
pub fn output_of(module: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    let mut output = sha256(&[module])[..4].to_vec();
    for input in inputs {
        output.extend(input.iter().rev());
    }
    output
}

/// Why this fault prevents the start of a worker; `None` if a worker is started.
pub fn start_error(fault: Fault) -> Option<Error> {
    match fault {
        Fault::Busy => Some(Error::BUSY),
        Fault::TooLate => Some(Error::RequestExpired),
        Fault::BadJob => Some(Error::Malformed(MessageKind::Worker)),
        Fault::NotStarted => Some(TransportError::Failed.into()),
        _ => None,
    }
}

/// Runs a job in a worker that was started.
///
/// # Errors
/// [`TransportError::Failed`] if the fault is that the platform loses the worker.
pub fn run(job: &Job<'_>, fault: Option<Fault>) -> Result<RunOutput, TransportError> {
    let mut inputs = vec![job.input];
    let is_input = |path: &str| path.strip_prefix(INPUT_FOLDER).is_some_and(|rest| rest.starts_with('/'));
    inputs.extend(job.files.iter().filter(|(path, _)| is_input(path)).map(|(_, bytes)| *bytes));
    let mut output = output_of(job.module, &inputs);
    let outcome = match fault {
        None => RunOutcome::Reported(WorkerReport::Completed),
        Some(Fault::WorkerLost) => return Err(TransportError::Failed),
        Some(Fault::OutputTooLong) => {
            output = vec![1; job.limits.output as usize + 1];
            RunOutcome::Reported(WorkerReport::Completed)
        }
        Some(Fault::TimedOut) => RunOutcome::TimedOut,
        Some(Fault::Trapped) => RunOutcome::Reported(WorkerReport::Trapped),
        Some(Fault::ExitStatus) => RunOutcome::Reported(WorkerReport::Status(3)),
        Some(Fault::MemoryLimit) => RunOutcome::Reported(WorkerReport::Memory),
        Some(Fault::FuelLimit) => RunOutcome::Reported(WorkerReport::Fuel),
        Some(Fault::OutputLimit) => RunOutcome::Reported(WorkerReport::Output),
        Some(Fault::BadModule) => RunOutcome::Reported(WorkerReport::BadModule),
        Some(Fault::BadResult) => RunOutcome::Reported(WorkerReport::BadResult),
        Some(Fault::WorkerKilled) => RunOutcome::Killed,
        Some(_) => RunOutcome::Died,
    };
    Ok(RunOutput { outcome, output: SecretVec(output), diagnostic: Zeroizing::new(DIAGNOSTIC.to_vec()) })
}
