//! Somebody in a run: who she is, what she knows, and an operation of hers, whose end has to be one that the faults
//! account for.

use crate::client::{Person, Session};
use crate::oracle::{self, CATALOGUE, CONNECTION, DONE, EVIDENCE, STATEMENT};
use crate::run::{self, Enclave, Run};
use crate::verbs::Function;
use enclave_core::{Error, Part};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A session older than this is not used any more, in milliseconds: its receipts would be too late.
const OLD: u64 = 20 * 60_000;
/// The most often that a minute passes in between.
const MINUTES: usize = 3;

/// What somebody knows of a thing of hers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The enclave said that it is done.
    There,
    /// She asked, and does not know.
    Doubtful,
    /// She asked to delete it.
    Gone,
}

/// Where she is with a vault key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// She countersigned, and does not know whether it is sealed.
    Signed,
    /// It is sealed.
    Confirmed,
    /// It cannot be opened: nobody will use this number again.
    Burnt,
}

/// A vault key that she countersigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultKey {
    /// Its number.
    pub epoch: u64,
    /// Its name.
    pub kid: [u8; 32],
    /// What she knows of it.
    pub phase: Phase,
    /// Whether the store said that it published the statement.
    pub published: bool,
}

/// A file that somebody encrypted, and what is in it.
pub struct Letter {
    /// The file.
    pub file: Vec<u8>,
    /// The number of its key.
    pub epoch: u64,
    /// The function that it is for; none: any of hers.
    pub checksum: Option<[u8; 32]>,
    /// What is in it.
    pub data: Vec<u8>,
}

/// What people tell each other, past the enclave.
#[derive(Default)]
pub struct Board {
    /// Functions, by their owners.
    pub functions: Vec<Function>,
    /// The last letter to the owner.
    pub letter: Option<Letter>,
    /// The names of vault keys, by their owners.
    pub kids: BTreeMap<[u8; 32], [u8; 32]>,
    minutes: usize,
}

/// One of the people.
pub struct Actor {
    /// The run.
    pub run: Arc<Run>,
    /// Enclaves of one image over one store: any of them will do.
    pub enclaves: Vec<Arc<Enclave>>,
    /// Who she is.
    pub person: Person,
    /// Her functions.
    pub functions: Vec<(Function, Known)>,
    /// Her vault keys, in order.
    pub vault: Vec<VaultKey>,
    /// What everybody knows.
    pub board: Arc<Mutex<Board>>,
    session: Option<Session>,
}

/// How an operation ends.
pub type Done = Result<(), Error>;

/// A client refuses a statement; the enclave gives no such error.
pub const BAD_STATEMENT: Error = Error::Revoked;
/// A client misses something in a list, or does not know it; the enclave gives no such error.
pub const BAD_LIST: Error = Error::Disagrees(Part::Text);

impl Actor {
    /// Somebody at the beginning.
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

    /// Closes her connection.
    pub fn leave(&mut self) {
        self.session = None;
    }

    /// What everybody knows.
    pub fn board<R>(&self, f: impl FnOnce(&mut Board) -> R) -> R {
        f(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One operation within a session, which is opened if there is none. Its end is noted, and has to be one that the
    /// faults account for. True if it was done.
    pub fn step(&mut self, name: &str, work: impl FnOnce(&mut Self, &mut Session) -> Done) -> bool {
        let begun = self.run.faults.seen();
        let number = self.person.prng.below(self.enclaves.len());
        let now = self.run.scheduler.now();
        let session = self.session.take().filter(|session| now - session.timestamp < OLD);
        let session = match session {
            Some(session) => Ok(session),
            None => Session::open(&self.enclaves[number], &mut self.person.prng),
        };
        let mut session = match session {
            Ok(session) => session,
            Err(error) => {
                let code = if matches!(error, Error::Down(_)) { CONNECTION } else { EVIDENCE };
                // The session that could not be opened is the last one that this thread began.
                return self.end(name, code, run::last_begun(), begun);
            }
        };
        let ended = work(self, &mut session);
        let code = match ended {
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
        self.end(name, code, number, begun)
    }

    /// `begun` is what had been seen of faults and of reading keys when the operation began.
    fn end(&mut self, name: &str, code: &str, session: usize, begun: (usize, usize)) -> bool {
        self.run.scheduler.note(&format!("{name} -> {code}"));
        let hits = self.run.faults.hits();
        let own: Vec<_> = hits[begun.0..].iter().filter(|hit| hit.session == session).collect();
        // In doubt a client asks, and what it hears settles it, one way or the other.
        if let ([hit], true) = (own.as_slice(), code == DONE && name != "settle") {
            let reading = self.run.faults.seen().1 > begun.1;
            assert!(oracle::may_pass(hit, reading), "{name} did not notice {hit}");
        }
        let dead = self.run.faults.dead() && code != DONE;
        assert!(
            dead || oracle::may(code, session, &hits),
            "{name} in session {session} ended in {code}; faults: {hits:?}"
        );
        if self.person.prng.one_in(8) && self.board(|board| board.minutes < MINUTES) {
            self.board(|board| board.minutes += 1);
            self.run.scheduler.advance(61_000);
        }
        code == DONE
    }
}
