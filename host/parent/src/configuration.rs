//! What an operator decides about an enclave, within the limits that are compiled into its image.

use crate::Error;
use enclave_core::Limits;

/// Limits on runs as the operator requests them. `None` stands for the maximum that is compiled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedLimits {
    /// Wall-clock time, in milliseconds.
    pub run: Option<u64>,
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// Input, in bytes.
    pub input: Option<u64>,
    /// Output, in bytes.
    pub output: Option<u64>,
}

/// The limits for a configuration.
///
/// # Errors
/// [`Error::RunLimit`] for a limit of zero, with which nothing could run, and for a limit above the compiled-in
/// maximum, which no enclave would grant.
pub fn run_limits(asked: RequestedLimits) -> Result<Limits, Error> {
    let most = Limits::MAXIMA;
    Ok(Limits {
        run: limit("run", asked.run, most.run)?,
        memory: limit("memory", asked.memory, most.memory)?,
        input: limit("input", asked.input, most.input)?,
        output: limit("output", asked.output, most.output)?,
    })
}

fn limit(name: &'static str, asked: Option<u64>, most: u64) -> Result<u64, Error> {
    match asked.unwrap_or(most) {
        value if (1..=most).contains(&value) => Ok(value),
        _ => Err(Error::RunLimit { name, most }),
    }
}
