//! The service for the enclave's operations: objects in the store, the configuration at boot, credentials for KMS.
//!
//! Each connection carries one operation. Bodies pass through one frame at a time, so memory is bounded.

use crate::log::short;
use crate::services::service::{Context, Served};
use crate::store::{Incoming, Placed, Store};
use crate::stream::{Stream, Until};
use crate::{Error, frames};
use enclave_core::OwnerKey;
use enclave_core::parent::{Answer, MAX_BODY, MAX_BODY_FRAME, ReceivedOperation, StoreKey, StoreKind};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// The longest operation without its body, in bytes. The longest defined one has about a hundred.
const MAX_OPERATION: usize = 1024;
/// How long the parent waits for the enclave to close after the answer. If the parent closed first, an enclave that
/// reads late could lose the end of the answer.
const CLOSING: Duration = Duration::from_secs(10);

/// Reads one operation, answers it, and waits until the enclave closes.
pub(crate) fn serve(context: &Context, enclave: &Stream) -> Served {
    let until = Until { deadline: Instant::now() + context.settings.limits.operation, shutdown: &context.shutdown };
    let mut served = Served::new(Ok(()));
    served.end = operate(context, enclave, until, &mut served);
    if served.end.is_ok() {
        let closing = Until { deadline: until.deadline.min(Instant::now() + CLOSING), ..until };
        enclave.wait_for_end(closing);
    }
    served
}

fn operate(context: &Context, enclave: &Stream, until: Until<'_>, served: &mut Served) -> Result<(), Error> {
    let operation = frames::read(enclave, MAX_OPERATION, until)?.ok_or(Error::Closed)?;
    let received = ReceivedOperation::decode(&operation).map_err(|_| Error::Malformed)?;
    describe(&received, &mut served.fields);
    let store = context.settings.store.as_ref();
    let answered = match received {
        ReceivedOperation::Boot => {
            let settings = &context.settings;
            Ok(Answer::Boot(settings.configuration.clone(), settings.deployers.clone()))
        }
        ReceivedOperation::Get(key) => match store.get(&key) {
            Ok(Some((file, length))) if length <= MAX_BODY as u64 => {
                served.fields.push(("answer", "Body".into()));
                served.down = send(file, length, enclave, until)?;
                return Ok(());
            }
            Ok(Some(_)) => Err(io::ErrorKind::FileTooLarge.into()),
            Ok(None) => Ok(Answer::NotFound),
            Err(error) => Err(error),
        },
        ReceivedOperation::Put(key) => take_in(store, enclave, until, served, |body| {
            Ok(match body.put(&key)? {
                Placed::Done => Answer::Done,
                Placed::Exists => Answer::Exists,
            })
        })?,
        ReceivedOperation::Replace(key) => {
            take_in(store, enclave, until, served, |body| body.replace(&key).map(|()| Answer::Done))?
        }
        ReceivedOperation::List { kind, owner, after } => store.list(kind, &owner, after).map(Answer::Listed),
        ReceivedOperation::Delete(key) => store.delete(&key).map(|()| Answer::Done),
        ReceivedOperation::Credentials(region) => Ok(credentials(context, &region, served)),
    };
    let answer = answered.unwrap_or_else(|error| {
        served.fields.push(("reason", error.to_string().into()));
        Answer::Failed
    });
    served.fields.push(("answer", format!("{answer:?}").into()));
    frames::write(enclave, &answer.encode().0, until)
}

/// Reads a body to its end, even if it cannot be stored: the enclave reads no answer before it has sent the whole body.
fn take_in(
    store: &Store,
    enclave: &Stream,
    until: Until<'_>,
    served: &mut Served,
    place: impl FnOnce(Incoming<'_>) -> io::Result<Answer>,
) -> Result<io::Result<Answer>, Error> {
    let mut body = store.begin();
    served.up = frames::read_body(enclave, until, |bytes| {
        if let Ok(incoming) = &mut body
            && let Err(error) = incoming.write(bytes)
        {
            body = Err(error);
        }
    })? as u64;
    Ok(body.and_then(place))
}

/// Sends the answer to `get`. Returns the length of the body in bytes.
fn send(mut file: File, length: u64, enclave: &Stream, until: Until<'_>) -> Result<u64, Error> {
    // Small frames are collected, so that each system call sends about a full frame.
    let mut frames = frames::frame(&Answer::Follows(length).encode().0)?;
    let mut content = Vec::with_capacity(MAX_BODY_FRAME);
    let mut sent = 0;
    loop {
        content.clear();
        // The answer has begun, so closing is the only way left to report that the disk failed.
        let count =
            Read::by_ref(&mut file).take(MAX_BODY_FRAME as u64).read_to_end(&mut content).map_err(Error::Disk)?;
        frames.extend(frames::frame(&content)?);
        if count == 0 || frames.len() > MAX_BODY_FRAME {
            enclave.write_all(&frames, until)?;
            frames.clear();
        }
        if count == 0 {
            return Ok(sent);
        }
        sent += count as u64;
    }
}

fn credentials(context: &Context, region: &str, served: &mut Served) -> Answer {
    if !context.settings.kms.allows_region(region) {
        served.fields.push(("reason", "no configured region".into()));
        return Answer::Failed;
    }
    let reason = match context.settings.credentials.get() {
        Ok(Some(credentials)) => return Answer::Credentials(credentials),
        Ok(None) => "no credentials are configured".to_owned(),
        Err(error) => error.to_string(),
    };
    served.fields.push(("reason", reason.into()));
    Answer::Failed
}

/// Adds the fields that the log has about an operation. Names are shortened, and no text of the enclave's is logged.
fn describe(received: &ReceivedOperation, fields: &mut Vec<(&'static str, Value)>) {
    let name = match received {
        ReceivedOperation::Boot => "boot",
        ReceivedOperation::Get(_) => "get",
        ReceivedOperation::Put(_) => "put",
        ReceivedOperation::Replace(_) => "replace",
        ReceivedOperation::List { .. } => "list",
        ReceivedOperation::Delete(_) => "delete",
        ReceivedOperation::Credentials(_) => "credentials",
    };
    fields.push(("operation", name.into()));
    match received {
        ReceivedOperation::Get(key)
        | ReceivedOperation::Put(key)
        | ReceivedOperation::Replace(key)
        | ReceivedOperation::Delete(key) => describe_key(key, fields),
        ReceivedOperation::List { kind, owner, .. } => describe_owner(*kind, owner, fields),
        ReceivedOperation::Boot | ReceivedOperation::Credentials(_) => {}
    }
}

fn describe_key(key: &StoreKey, fields: &mut Vec<(&'static str, Value)>) {
    describe_owner(key.kind, &key.owner, fields);
    fields.extend([("id", short(key.id.as_bytes())), ("version", key.version.into())]);
}

fn describe_owner(kind: StoreKind, owner: &OwnerKey, fields: &mut Vec<(&'static str, Value)>) {
    fields.extend([("kind", format!("{kind:?}").into()), ("owner", short(owner.as_bytes()))]);
}
