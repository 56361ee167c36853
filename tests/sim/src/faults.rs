//! The calls that the core makes of its environment, and what can go wrong with each.

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
    // The call fails before anything is done.
    Unreachable,
    TimedOut,
    Closed,
    Failed,
    /// The parent does the operation, but its answer is lost.
    AnswerLost,
    /// The parent answers that the operation is done, but does nothing.
    FalseDone,
    // The parent gives another answer than the true one.
    NotFound,
    Exists,
    WrongAnswer,
    // The parent gives other bytes: damaged ones, those of another object, or older ones.
    Truncated,
    BitFlipped,
    OtherObject,
    OlderBytes,
    // The list is not ascending, lacks an entry, or has one too many.
    Unsorted,
    EntryMissing,
    EntryInvented,
    // The credentials contain a line break, or belong to a principal without rights.
    LineBreak,
    OtherPrincipal,
    // KMS answers something else.
    OtherKeyId,
    Plaintext,
    Garbage,
    /// KMS, or a pipe, repeats an earlier message.
    Replayed,
    AccessDenied,
    Disabled,
    InvalidCiphertext,
    Throttling,
    InternalError,
    ExpiredToken,
    UnknownError,
    // No worker is started.
    Busy,
    TooLate,
    BadJob,
    NotStarted,
    // The worker is started, and the run does not complete.
    WorkerLost,
    WorkerDied,
    WorkerKilled,
    OutputTooLong,
    Trapped,
    ExitStatus,
    MemoryLimit,
    FuelLimit,
    OutputLimit,
    BadModule,
    BadResult,
    // A frame is cut and the connection closed, or the frame is dropped.
    Cut,
    Dropped,
}

/// Every fault of every call. One round of seeds must reach all of them.
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
                Busy,
                TooLate,
                BadJob,
                NotStarted,
                WorkerLost,
                TimedOut,
                WorkerDied,
                WorkerKilled,
                OutputTooLong,
                Trapped,
                ExitStatus,
                MemoryLimit,
                FuelLimit,
                OutputLimit,
                BadModule,
                BadResult,
            ],
        ),
        (Boot, &[Unreachable, Failed, WrongAnswer, Truncated, BitFlipped]),
        (
            GetObject,
            &[
                Unreachable,
                TimedOut,
                Failed,
                NotFound,
                Exists,
                WrongAnswer,
                Truncated,
                BitFlipped,
                OtherObject,
                OlderBytes,
            ],
        ),
        (GetStatement, &[Unreachable, Failed, NotFound, WrongAnswer, Truncated, BitFlipped, OtherObject, OlderBytes]),
        (Put, &[Unreachable, TimedOut, Failed, Exists, WrongAnswer, AnswerLost, FalseDone]),
        (Replace, &[Unreachable, Failed, Exists, WrongAnswer, AnswerLost, FalseDone]),
        (List, &[Unreachable, Failed, WrongAnswer, Unsorted, EntryMissing, EntryInvented]),
        (Delete, &[Unreachable, Failed, NotFound, WrongAnswer, AnswerLost, FalseDone]),
        (Credentials, &[Unreachable, Failed, WrongAnswer, LineBreak, OtherPrincipal]),
        (Kms, &[Unreachable, TimedOut, Closed]),
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
        (ToEnclave, &[Cut, BitFlipped, Replayed, Dropped]),
        (ToClient, &[Cut, BitFlipped, Replayed, Dropped]),
    ]
};

/// All of [`PAIRS`], one by one.
pub fn pairs() -> impl Iterator<Item = (Call, Fault)> {
    PAIRS.iter().flat_map(|(call, faults)| faults.iter().map(|fault| (*call, *fault)))
}

/// Which faults a run injects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// This fault once, at the first call that allows it after so many calls of this kind.
    pub target: Option<(Call, Fault, usize)>,
    /// In addition any fault at one call in so many; 0 for none.
    pub one_in: usize,
    /// After so many calls every call fails, as if the enclave had ended.
    pub dies_at: Option<usize>,
}

/// A fault that was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The session; 0 is the boot.
    pub session: usize,
    /// The call.
    pub call: Call,
    /// The fault.
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
    target_hit: bool,
}

/// The faults of one run.
pub struct Faults(Mutex<State>);

impl Faults {
    /// Faults by `plan`. `prng` decides where they happen.
    pub fn new(plan: Plan, prng: Prng) -> Self {
        let (calls, hits) = (BTreeMap::new(), Vec::new());
        Self(Mutex::new(State { plan, prng, calls, count: 0, hits, target_hit: false }))
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts this call and gives the fault to inject into it. If the fault is impossible, because there is no other
    /// object or no earlier answer, the caller ignores it; otherwise the caller reports it with [`Faults::hit`].
    pub fn at(&self, call: Call) -> Option<Fault> {
        self.with(|state| {
            let nth = state.calls.entry(call).or_default();
            *nth += 1;
            let nth = *nth;
            state.count += 1;
            if let Some((wanted, fault, after)) = state.plan.target
                && !state.target_hit
                && wanted == call
                && nth > after
            {
                return Some(fault);
            }
            let of = PAIRS.iter().find(|(known, _)| *known == call).map_or(&[][..], |(_, faults)| faults);
            let strikes = state.plan.one_in > 0 && state.prng.one_in(state.plan.one_in);
            if strikes { Some(*state.prng.pick(of)) } else { None }
        })
    }

    /// Whether the plan has ended the enclave.
    pub fn dead(&self) -> bool {
        self.with(|state| state.plan.dies_at.is_some_and(|at| state.count > at))
    }

    /// Records a fault that was injected.
    pub fn hit(&self, session: usize, call: Call, fault: Fault) {
        self.with(|state| {
            if state.plan.target.is_some_and(|(wanted, which, _)| (wanted, which) == (call, fault)) {
                state.target_hit = true;
            }
            state.hits.push(Hit { session, call, fault });
        });
    }

    /// A number below `end`, for a position or a choice within a fault.
    pub fn choose(&self, end: usize) -> usize {
        self.with(|state| state.prng.below(end))
    }

    /// Injects no more faults.
    pub fn stop(&self) {
        self.with(|state| state.plan = Plan::default());
    }

    /// Follows another plan from now on. Calls are counted from 0 again.
    pub fn follow(&self, plan: Plan) {
        self.with(|state| {
            state.plan = plan;
            state.calls.clear();
            state.count = 0;
            state.target_hit = false;
        });
    }

    /// The number of calls of each kind.
    pub fn calls(&self) -> BTreeMap<Call, usize> {
        self.with(|state| state.calls.clone())
    }

    /// The number of injected faults, and of readings of a KMS key.
    pub fn seen(&self) -> (usize, usize) {
        self.with(|state| (state.hits.len(), state.calls.get(&Call::ReadKey).copied().unwrap_or(0)))
    }

    /// All injected faults.
    pub fn hits(&self) -> Vec<Hit> {
        self.with(|state| state.hits.clone())
    }

    /// The pairs that were injected.
    pub fn reached(&self) -> BTreeSet<(Call, Fault)> {
        self.hits().iter().map(|hit| (hit.call, hit.fault)).collect()
    }
}
