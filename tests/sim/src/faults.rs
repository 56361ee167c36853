//! What can be asked of the surroundings, and what can go wrong with each.

use crate::prng::Prng;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A call of the platform, or a frame through a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Call {
    Random,
    DocumentSession,
    DocumentVault,
    DocumentKms,
    DocumentTime,
    Recipient,
    Work,
    Boot,
    GetObject,
    GetStatement,
    Put,
    Replace,
    List,
    Delete,
    Credentials,
    Kms,
    GenerateDataKey,
    Decrypt,
    ReadKey,
    ToEnclave,
    ToClient,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Fault {
    /// Not there, too late, broken: before anything was done.
    Unreachable,
    Deadline,
    Closed,
    Failed,
    /// Done, but nobody hears of it.
    Unheard,
    /// Said to be done, and not done.
    Pretended,
    NotFound,
    Exists,
    Truncated,
    Flipped,
    /// The bytes of another object.
    Another,
    /// The bytes of another version, or of an earlier time.
    Old,
    WrongKind,
    Unsorted,
    /// An entry left out, an entry made up.
    Short,
    Invented,
    /// Credentials with a line break, credentials of somebody else.
    LineBreak,
    Foreign,
    OtherKeyId,
    Plaintext,
    Garbage,
    /// An earlier answer to the same action.
    Replayed,
    AccessDenied,
    Disabled,
    InvalidCiphertext,
    Throttling,
    InternalError,
    ExpiredToken,
    UnknownError,
    /// The worker: killed, dead, too much output, and each way in which it may say that it ended.
    Died,
    TooMuch,
    Trapped,
    Status,
    Memory,
    Fuel,
    OutputEnd,
    BadModule,
    BadResult,
    Busy,
    BadJob,
    /// A frame: closed in it, left out.
    Cut,
    Dropped,
}

/// Every fault of every call: the set that a short run has to reach.
pub const PAIRS: &[(Call, &[Fault])] = {
    use Call::*;
    use Fault::*;
    &[
        (Random, &[Failed]),
        (DocumentSession, &[Failed]),
        (DocumentVault, &[Failed]),
        (DocumentKms, &[Failed]),
        (DocumentTime, &[Failed]),
        (Recipient, &[Failed]),
        (
            Work,
            &[
                Deadline, Died, TooMuch, Trapped, Status, Memory, Fuel, OutputEnd, BadModule, BadResult, Busy, BadJob,
                Failed,
            ],
        ),
        (Boot, &[Unreachable, Failed, WrongKind, Truncated, Flipped]),
        (GetObject, &[Unreachable, Deadline, Failed, NotFound, Exists, WrongKind, Truncated, Flipped, Another, Old]),
        (GetStatement, &[Unreachable, Failed, NotFound, WrongKind, Truncated, Flipped, Another, Old]),
        (Put, &[Unreachable, Deadline, Failed, Exists, WrongKind, Unheard, Pretended]),
        (Replace, &[Unreachable, Failed, Exists, WrongKind, Unheard, Pretended]),
        (List, &[Unreachable, Failed, WrongKind, Unsorted, Short, Invented]),
        (Delete, &[Unreachable, Failed, NotFound, WrongKind, Unheard, Pretended]),
        (Credentials, &[Unreachable, Failed, WrongKind, LineBreak, Foreign]),
        (Kms, &[Unreachable, Deadline, Closed]),
        (
            GenerateDataKey,
            &[
                Closed,
                OtherKeyId,
                Plaintext,
                Garbage,
                Replayed,
                AccessDenied,
                Disabled,
                Throttling,
                InternalError,
                ExpiredToken,
                UnknownError,
            ],
        ),
        (
            Decrypt,
            &[
                Closed,
                OtherKeyId,
                Plaintext,
                Garbage,
                Replayed,
                AccessDenied,
                Disabled,
                InvalidCiphertext,
                Throttling,
                InternalError,
                ExpiredToken,
                UnknownError,
            ],
        ),
        (ReadKey, &[Closed, Garbage, AccessDenied, Throttling, InternalError, UnknownError]),
        (ToEnclave, &[Cut, Flipped, Replayed, Dropped]),
        (ToClient, &[Cut, Flipped, Replayed, Dropped]),
    ]
};

/// All of [`PAIRS`], one by one.
pub fn pairs() -> impl Iterator<Item = (Call, Fault)> {
    PAIRS.iter().flat_map(|(call, faults)| faults.iter().map(|fault| (*call, *fault)))
}

/// Which faults a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// This one, from this occurrence of its call on until it could be had once.
    pub target: Option<(Call, Fault, usize)>,
    /// Besides any fault at one call in so many; 0 is none.
    pub one_in: usize,
    /// From this call of a session on, counted from 0, everything is down: the enclave is gone.
    pub dies_at: Option<usize>,
}

/// A fault that was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// In which session; 0 is the boot.
    pub session: usize,
    /// At which call.
    pub call: Call,
    /// Which.
    pub fault: Fault,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} × {:?} (session {})", self.call, self.fault, self.session)
    }
}

struct State {
    plan: Plan,
    prng: Prng,
    calls: BTreeMap<Call, usize>,
    count: usize,
    hits: Vec<Hit>,
    done: bool,
}

/// The faults of one run.
pub struct Faults(Mutex<State>);

impl Faults {
    /// Faults by `plan`; `prng` decides where.
    pub fn new(plan: Plan, prng: Prng) -> Self {
        let (calls, hits) = (BTreeMap::new(), Vec::new());
        Self(Mutex::new(State { plan, prng, calls, count: 0, hits, done: false }))
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is to go wrong with this call. Whoever cannot do it, for there is no other object and no earlier answer,
    /// lets it be; whoever does it says so ([`Faults::hit`]).
    pub fn at(&self, call: Call) -> Option<Fault> {
        self.with(|state| {
            let nth = state.calls.entry(call).or_default();
            *nth += 1;
            let nth = *nth;
            state.count += 1;
            if let Some((wanted, fault, from)) = state.plan.target
                && !state.done
                && wanted == call
                && nth > from
            {
                return Some(fault);
            }
            let of = PAIRS.iter().find(|(known, _)| *known == call).map_or(&[][..], |(_, faults)| faults);
            let strikes = state.plan.one_in > 0 && state.prng.one_in(state.plan.one_in);
            if strikes { Some(*state.prng.pick(of)) } else { None }
        })
    }

    /// Whether the enclave is gone by now.
    pub fn dead(&self) -> bool {
        self.with(|state| state.plan.dies_at.is_some_and(|at| state.count > at))
    }

    /// That it was done.
    pub fn hit(&self, session: usize, call: Call, fault: Fault) {
        self.with(|state| {
            if state.plan.target.is_some_and(|(wanted, which, _)| (wanted, which) == (call, fault)) {
                state.done = true;
            }
            state.hits.push(Hit { session, call, fault });
        });
    }

    /// A number below `end`, for a place or a choice within a fault.
    pub fn choose(&self, end: usize) -> usize {
        self.with(|state| state.prng.below(end))
    }

    /// No more from here on.
    pub fn stop(&self) {
        self.with(|state| state.plan = Plan::default());
    }

    /// Another plan from here on; calls are counted anew.
    pub fn plan(&self, plan: Plan) {
        self.with(|state| {
            state.plan = plan;
            state.calls.clear();
            state.count = 0;
            state.done = false;
        });
    }

    /// How many calls there were, of all kinds.
    pub fn count(&self) -> usize {
        self.with(|state| state.count)
    }

    /// How many there were of each kind.
    pub fn calls(&self) -> BTreeMap<Call, usize> {
        self.with(|state| state.calls.clone())
    }

    /// How many faults were had, and how often a KMS key was read.
    pub fn seen(&self) -> (usize, usize) {
        self.with(|state| (state.hits.len(), state.calls.get(&Call::ReadKey).copied().unwrap_or(0)))
    }

    /// All that were had.
    pub fn hits(&self) -> Vec<Hit> {
        self.with(|state| state.hits.clone())
    }

    /// The pairs that were had.
    pub fn reached(&self) -> BTreeSet<(Call, Fault)> {
        self.hits().iter().map(|hit| (hit.call, hit.fault)).collect()
    }
}
