//! The parent as the enclave meets it: honest, or with one of its faults.

use crate::faults::{Call, Fault};
use crate::run::{Run, served_session};
use crate::store::Store;
use capelet_dev::kms::{PARENT, Principal, STRANGER};
use enclave_core::parent::{Answer, Credentials, ListEntry, Operation, StoreKey, StoreKind};
use enclave_core::{Error, ObjectId, TransportError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module.
pub struct Parent {
    /// The configuration that it gives at boot.
    pub configuration: Vec<u8>,
    /// The list of deployers that it gives at boot.
    pub deployers: Option<Vec<u8>>,
    run: Arc<Run>,
    store: Arc<Mutex<Store>>,
}

/// The name by which the faults know an operation.
fn call(operation: &Operation<'_>) -> Call {
    match operation {
        Operation::Boot => Call::Boot,
        Operation::Get(StoreKey { kind: StoreKind::Statement, .. }) => Call::GetStatement,
        Operation::Get(_) => Call::GetObject,
        Operation::Put(..) => Call::Put,
        Operation::Replace(..) => Call::Replace,
        Operation::List { .. } => Call::List,
        Operation::Delete(_) => Call::Delete,
        Operation::Credentials(_) => Call::Credentials,
    }
}

impl Parent {
    /// A parent over `store` with this configuration and list of deployers.
    pub fn new(run: &Arc<Run>, store: &Arc<Mutex<Store>>, configuration: Vec<u8>, deployers: Option<Vec<u8>>) -> Self {
        Self { configuration, deployers, run: run.clone(), store: store.clone() }
    }

    /// The store.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers an operation, with the fault that the run injects.
    ///
    /// # Errors
    /// [`Error::Transport`] if the fault is one of the connection.
    pub fn answer(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        let call = call(&operation);
        let Some(fault) = self.run.call(call)? else { return Ok(self.honest(operation)) };
        match self.faulty(operation, fault) {
            Some(answer) => {
                self.run.hit(served_session(), call, fault);
                answer
            }
            None => Ok(self.honest(operation)),
        }
    }

    fn honest(&self, operation: Operation<'_>) -> Answer {
        match operation {
            Operation::Boot => Answer::Boot(self.configuration.clone(), self.deployers.clone()),
            Operation::Credentials(_) => credentials(&PARENT, ""),
            _ => self.store().answer(operation),
        }
    }

    /// The answer with this fault; `None` if the fault is impossible here.
    fn faulty(&self, operation: Operation<'_>, fault: Fault) -> Option<Result<Answer, Error>> {
        let faults = &self.run.faults;
        Some(Ok(match fault {
            Fault::Unreachable => return Some(Err(TransportError::Unreachable.into())),
            Fault::TimedOut => return Some(Err(TransportError::TimedOut.into())),
            Fault::AnswerLost => {
                self.honest(operation);
                return Some(Err(TransportError::Closed.into()));
            }
            Fault::FalseDone => Answer::Done,
            Fault::Failed => Answer::Failed,
            Fault::NotFound => Answer::NotFound,
            Fault::Exists => Answer::Exists,
            Fault::WrongAnswer => match operation {
                Operation::Get(_) | Operation::Boot => Answer::Listed(Vec::new()),
                Operation::Credentials(_) => Answer::Done,
                _ => Answer::Body(b"CPLO".to_vec()),
            },
            Fault::LineBreak => credentials(&PARENT, "token\r\nx-amz-target: TrentService.PutKeyPolicy"),
            Fault::OtherPrincipal => credentials(&STRANGER, ""),
            Fault::Truncated | Fault::BitFlipped | Fault::OtherObject | Fault::OlderBytes => {
                match (operation, self.honest(operation)) {
                    (Operation::Get(key), Answer::Body(bytes)) => Answer::Body(self.other_bytes(key, bytes, fault)?),
                    (Operation::Boot, Answer::Boot(configuration, list)) => {
                        Answer::Boot(self.damaged(configuration, fault)?, list)
                    }
                    _ => return None,
                }
            }
            Fault::Unsorted | Fault::EntryMissing | Fault::EntryInvented => {
                let Answer::Listed(mut entries) = self.honest(operation) else { return None };
                match fault {
                    Fault::Unsorted => entries.push(*entries.last()?),
                    Fault::EntryMissing => drop(entries.remove(faults.choose(entries.len().checked_sub(1)? + 1))),
                    _ => entries.push(ListEntry { id: ObjectId::new([0xff; 16]), version: 1 }),
                }
                Answer::Listed(entries)
            }
            _ => return None,
        }))
    }

    fn other_bytes(&self, key: StoreKey, bytes: Vec<u8>, fault: Fault) -> Option<Vec<u8>> {
        let candidates = match fault {
            Fault::OtherObject => self.store().other_objects(key),
            Fault::OlderBytes => self.store().older_bytes(key),
            _ => return self.damaged(bytes, fault),
        };
        candidates.get(self.run.faults.choose(candidates.len())).cloned()
    }

    /// The bytes truncated, or with one bit flipped. The position is chosen in proportion to their length, because the
    /// seed does not decide how long a document is.
    fn damaged(&self, mut bytes: Vec<u8>, fault: Fault) -> Option<Vec<u8>> {
        let faults = &self.run.faults;
        let at = faults.choose(65_536) * bytes.len() / 65_536;
        match fault {
            Fault::Truncated => bytes.truncate(at),
            Fault::BitFlipped => *bytes.get_mut(at)? ^= 1 << faults.choose(8),
            _ => return None,
        }
        Some(bytes)
    }
}

fn credentials(principal: &Principal, session_token: &str) -> Answer {
    Answer::Credentials(Credentials {
        access_key_id: principal.access_key_id.to_string(),
        secret_access_key: principal.secret_access_key.to_string().into(),
        session_token: session_token.to_string(),
    })
}
