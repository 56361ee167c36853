//! A person of a simulated run: what they know, and how each of their operations may end.

use crate::client::Session;
use crate::enclave::Enclave;
use crate::oracle::{self, CATALOGUE, CONNECTION, DONE, EVIDENCE, STATEMENT};
use crate::person::Person;
use crate::run::{self, Run};
use crate::verbs::Function;
use enclave_core::{Checksum, Error, Kid, MessageKind, OwnerKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A client closes a session of this age, in milliseconds, because its receipts would soon be too late.
const MAX_SESSION_AGE: u64 = 20 * 60_000;
/// The most minutes that pass between operations in one run.
const MAX_MINUTES: usize = 3;

/// What an owner knows of an object of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The enclave answered that it is stored.
    Stored,
    /// The owner sent the request, and does not know the result.
    Uncertain,
    /// The owner asked to delete it.
    Deleted,
}

/// How far a vault key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The owner signed its record, and does not know whether it is stored.
    Signed,
    /// It is stored.
    Confirmed,
    /// It cannot be opened. The owner never uses its epoch again.
    Abandoned,
}

/// A vault key whose record its owner signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultKey {
    /// Its epoch.
    pub epoch: u64,
    /// Its name.
    pub kid: Kid,
    /// How far it has come.
    pub phase: Phase,
    /// Whether the enclave answered that its statement is published.
    pub published: bool,
}

/// A file that a sender encrypted, and its content.
pub struct EncryptedFile {
    /// The file.
    pub file: Vec<u8>,
    /// The epoch of its vault key.
    pub epoch: u64,
    /// The only function that may read it; `None` for any of the vault's owner.
    pub checksum: Option<Checksum>,
    /// The content.
    pub data: Vec<u8>,
}

/// What people tell each other without the enclave.
#[derive(Default)]
pub struct Board {
    /// The functions that were deployed.
    pub functions: Vec<Function>,
    /// The last file for the owner.
    pub file: Option<EncryptedFile>,
    /// The newest vault key of each owner.
    pub kids: BTreeMap<OwnerKey, Kid>,
    minutes: usize,
}

/// See the module.
pub struct Actor {
    /// The run.
    pub run: Arc<Run>,
    /// Enclaves of one image over one store. Each session uses any of them.
    pub enclaves: Vec<Arc<Enclave>>,
    /// The person.
    pub person: Person,
    /// Their functions.
    pub functions: Vec<(Function, Known)>,
    /// Their vault keys, by epoch.
    pub vault: Vec<VaultKey>,
    /// What everyone knows.
    pub board: Arc<Mutex<Board>>,
    session: Option<Session>,
}

/// How an operation ends.
pub type Outcome = Result<(), Error>;

/// The client rejected a statement. No enclave reports this error.
pub const BAD_STATEMENT: Error = Error::Revoked;
/// A list lacks an entry, or has one that its owner does not know. No enclave reports this error.
pub const BAD_LIST: Error = Error::Mismatch(MessageKind::Text);

impl Actor {
    /// A person who has done nothing yet.
    pub fn new(run: &Arc<Run>, enclaves: &[Arc<Enclave>], name: &str, number: u64, board: &Arc<Mutex<Board>>) -> Self {
        Self {
            run: run.clone(),
            enclaves: enclaves.to_vec(),
            person: Person::new(run, name, number),
            functions: Vec::new(),
            vault: Vec::new(),
            board: board.clone(),
            session: None,
        }
    }

    /// Closes the session.
    pub fn disconnect(&mut self) {
        self.session = None;
    }

    /// Calls `f` with what everyone knows.
    pub fn board<R>(&self, f: impl FnOnce(&mut Board) -> R) -> R {
        f(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does one operation in the open session, or in a new one. The oracle must allow its end. True if it succeeded.
    pub fn step(&mut self, name: &str, work: impl FnOnce(&mut Self, &mut Session) -> Outcome) -> bool {
        let before = self.run.faults.seen();
        let number = self.person.prng.below(self.enclaves.len());
        let now = self.run.scheduler.now();
        let session = self.session.take().filter(|session| now.since(session.timestamp) < MAX_SESSION_AGE);
        let session = match session {
            Some(session) => Ok(session),
            None => Session::open(&self.enclaves[number], &mut self.person.prng),
        };
        let mut session = match session {
            Ok(session) => session,
            Err(error) => {
                let code = if matches!(error, Error::Transport(_)) { CONNECTION } else { EVIDENCE };
                // The session that could not be opened is the last one that this thread began.
                return self.finish(name, code, run::begun_session(), before);
            }
        };
        let outcome = work(self, &mut session);
        let code = match outcome {
            Ok(()) => DONE,
            Err(_) if session.broken => CONNECTION,
            Err(BAD_STATEMENT) => STATEMENT,
            Err(BAD_LIST) => CATALOGUE,
            Err(error) => error.code(),
        };
        let number = session.number;
        if !session.broken && !self.person.prng.one_in(6) {
            self.session = Some(session);
        }
        self.finish(name, code, number, before)
    }

    /// Asks the oracle. `before` is the number of faults and of key readings before the operation.
    fn finish(&mut self, name: &str, code: &str, session: usize, before: (usize, usize)) -> bool {
        self.run.scheduler.note(&format!("{name} -> {code}"));
        let hits = self.run.faults.hits();
        let own: Vec<_> = hits[before.0..].iter().filter(|hit| hit.session == session).collect();
        // `settle` asks what became of an uncertain key, so every answer is a success.
        if let ([hit], true) = (own.as_slice(), code == DONE && name != "settle") {
            let reading = self.run.faults.seen().1 > before.1;
            assert!(oracle::may_pass(hit, reading), "{name} did not notice {hit}");
        }
        let dead = self.run.faults.dead() && code != DONE;
        assert!(
            dead || oracle::may(code, session, &hits),
            "{name} in session {session} ended in {code}; faults: {hits:?}"
        );
        if self.person.prng.one_in(8) && self.board(|board| board.minutes < MAX_MINUTES) {
            self.board(|board| board.minutes += 1);
            self.run.scheduler.advance(61_000);
        }
        code == DONE
    }
}
