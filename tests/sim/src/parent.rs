//! The parent as the enclave meets it: honest, or with one of its faults.

use crate::faults::{Call, Fault};
use crate::platform::SimPlatform;
use capelet_dev::kms::{PARENT, Principal, STRANGER};
use enclave_core::parent::{Answer, Credentials, Key, Kind, Operation};
use enclave_core::{Error, error::Down};

/// By which name the faults know an operation.
pub fn call(operation: &Operation<'_>) -> Call {
    match operation {
        Operation::Boot => Call::Boot,
        Operation::Get(Key { kind: Kind::Statement, .. }) => Call::GetStatement,
        Operation::Get(_) => Call::GetObject,
        Operation::Put(..) => Call::Put,
        Operation::Replace(..) => Call::Replace,
        Operation::List { .. } => Call::List,
        Operation::Delete(_) => Call::Delete,
        Operation::Credentials(_) => Call::Credentials,
    }
}

/// Asks the parent; a fault that could be had is written down.
pub fn ask(platform: &SimPlatform, operation: Operation<'_>) -> Result<Answer, Error> {
    let call = call(&operation);
    let fault = platform.call(call)?;
    let honest = || match operation {
        Operation::Boot => Answer::Boot(platform.configuration.clone(), platform.deployers.clone()),
        Operation::Credentials(_) => credentials(&PARENT, ""),
        _ => platform.store().answer(operation),
    };
    let Some(fault) = fault else { return Ok(honest()) };
    match lie(platform, operation, fault, &honest) {
        Some(answer) => {
            platform.hit(call, fault);
            answer
        }
        None => Ok(honest()),
    }
}

fn credentials(principal: &Principal, session_token: &str) -> Answer {
    Answer::Credentials(Credentials {
        access_key_id: principal.access_key_id.to_string(),
        secret_access_key: principal.secret_access_key.to_string().into(),
        session_token: session_token.to_string(),
    })
}

fn lie(
    platform: &SimPlatform,
    operation: Operation<'_>,
    fault: Fault,
    honest: &dyn Fn() -> Answer,
) -> Option<Result<Answer, Error>> {
    let faults = &platform.run.faults;
    Some(Ok(match fault {
        Fault::Unreachable => return Some(Err(Error::Down(Down::Unreachable))),
        Fault::Deadline => return Some(Err(Error::Down(Down::Deadline))),
        Fault::Unheard => {
            honest();
            return Some(Err(Error::Down(Down::Closed)));
        }
        Fault::Pretended => Answer::Done,
        Fault::Failed => Answer::Failed,
        Fault::NotFound => Answer::NotFound,
        Fault::Exists => Answer::Exists,
        Fault::WrongKind => match operation {
            Operation::Get(_) | Operation::Boot => Answer::Listed(Vec::new()),
            Operation::Credentials(_) => Answer::Done,
            _ => Answer::Body(b"CPLO".to_vec()),
        },
        Fault::LineBreak => credentials(&PARENT, "token\r\nx-amz-target: TrentService.PutKeyPolicy"),
        Fault::Foreign => credentials(&STRANGER, ""),
        Fault::Truncated | Fault::Flipped | Fault::Another | Fault::Old => match (operation, honest()) {
            (Operation::Get(key), Answer::Body(bytes)) => Answer::Body(other_bytes(platform, key, bytes, fault)?),
            (Operation::Boot, Answer::Boot(configuration, list)) => {
                Answer::Boot(damaged(platform, configuration, fault)?, list)
            }
            _ => return None,
        },
        Fault::Unsorted | Fault::Short | Fault::Invented => {
            let Answer::Listed(mut entries) = honest() else { return None };
            match fault {
                Fault::Unsorted => entries.push(*entries.last()?),
                Fault::Short => drop(entries.remove(faults.choose(entries.len().checked_sub(1)? + 1))),
                _ => entries.push(([0xff; 16], 1)),
            }
            Answer::Listed(entries)
        }
        _ => return None,
    }))
}

fn other_bytes(platform: &SimPlatform, key: Key, bytes: Vec<u8>, fault: Fault) -> Option<Vec<u8>> {
    let candidates = match fault {
        Fault::Another => platform.store().others(key),
        Fault::Old => platform.store().older(key),
        _ => return damaged(platform, bytes, fault),
    };
    candidates.get(platform.run.faults.choose(candidates.len())).cloned()
}

/// Cut short, or with one bit flipped: at a place by proportion, for how long a document is no seed decides.
fn damaged(platform: &SimPlatform, mut bytes: Vec<u8>, fault: Fault) -> Option<Vec<u8>> {
    let faults = &platform.run.faults;
    let at = faults.choose(65_536) * bytes.len() / 65_536;
    match fault {
        Fault::Truncated => bytes.truncate(at),
        Fault::Flipped => *bytes.get_mut(at)? ^= 1 << faults.choose(8),
        _ => return None,
    }
    Some(bytes)
}
