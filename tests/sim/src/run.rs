//! The run of one seed: its scheduler, its faults, its ledger, and what it counts.

use crate::crypto::Ledger;
use crate::faults::{Call, Fault, Faults, Hit, Plan};
use crate::prng::Prng;
use crate::scheduler::Scheduler;
use crate::world::World;
use enclave_core::TransportError;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

thread_local! {
    static SERVED: Cell<usize> = const { Cell::new(0) };
    static BEGUN: Cell<usize> = const { Cell::new(0) };
}

/// The session that the current thread serves; 0 if it serves none.
pub fn served_session() -> usize {
    SERVED.get()
}

/// The session that the current thread began last; 0 if it began none.
pub fn begun_session() -> usize {
    BEGUN.get()
}

/// See the module.
pub struct Run {
    /// What it shares with other seeds.
    pub world: Arc<World>,
    /// Decides which thread runs.
    pub scheduler: Arc<Scheduler>,
    /// Decides what goes wrong.
    pub faults: Faults,
    /// Records what was sealed.
    pub ledger: Arc<Ledger>,
    /// The source of everyone's numbers.
    pub prng: Prng,
    sessions: AtomicUsize,
    enclaves: AtomicUsize,
    answers: Mutex<BTreeMap<Call, Vec<u8>>>,
    workers: Mutex<BTreeMap<usize, usize>>,
    slow: Mutex<Option<(Call, u64)>>,
}

impl Run {
    /// A run of `seed` over `world`, whose clock is set back.
    pub fn new(world: &Arc<World>, seed: u64, plan: Plan) -> Arc<Self> {
        world.rewind();
        let prng = Prng::new(seed);
        Arc::new(Self {
            world: world.clone(),
            scheduler: Scheduler::new(prng.fork(1), world.time.clone()),
            faults: Faults::new(plan, prng.fork(2)),
            ledger: Arc::default(),
            prng,
            sessions: AtomicUsize::new(0),
            enclaves: AtomicUsize::new(0),
            answers: Mutex::default(),
            workers: Mutex::default(),
            slow: Mutex::default(),
        })
    }

    /// Adds a thread. It runs in [`Run::finish`].
    pub fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        let ledger = self.ledger.clone();
        self.scheduler.spawn(name, move || {
            ledger.enter();
            work();
        });
    }

    /// Adds the thread that serves session `number`. The current thread has begun the session.
    pub fn spawn_session(self: &Arc<Self>, number: usize, serve: impl FnOnce() + Send + 'static) {
        BEGUN.set(number);
        self.spawn(&format!("session {number}"), move || {
            SERVED.set(number);
            serve();
        });
    }

    /// Runs every thread to its end and checks the ledger.
    ///
    /// # Errors
    /// The first failure of a thread, or a (key, nonce) pair that sealed twice.
    pub fn finish(&self) -> Result<(), String> {
        self.scheduler.run()?;
        match self.ledger.counts() {
            (_, 0) => Ok(()),
            (_, repeated) => Err(format!("{repeated} chunks were sealed with a key and nonce that were used before")),
        }
    }

    /// Runs one client thread, for tests of a single scenario. Panics if it fails.
    pub fn scenario(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let run = self.clone();
        self.spawn("test", move || work(&run));
        if let Err(failure) = self.finish() {
            panic!("{failure}");
        }
    }

    /// Lets the next such call take this many milliseconds: the other side keeps the enclave waiting.
    pub fn delay_next(&self, call: Call, millis: u64) {
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner) = Some((call, millis));
    }

    /// Lets time pass, if the call was to be slow.
    pub fn take_time(&self, call: Call) {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(slow, _)| *slow == call);
        if let Some((_, millis)) = slow {
            self.scheduler.advance(millis);
        }
    }

    /// A call of the platform: passes the turn on, then gives the fault to inject.
    ///
    /// # Errors
    /// [`TransportError::Failed`] if the plan has ended the enclave.
    pub fn call(&self, call: Call) -> Result<Option<Fault>, TransportError> {
        self.scheduler.yield_turn();
        self.take_time(call);
        let fault = self.faults.at(call);
        if self.faults.dead() {
            return Err(TransportError::Failed);
        }
        self.scheduler.note(&format!("{call:?}"));
        Ok(fault)
    }

    /// Records a fault that was injected.
    pub fn hit(&self, session: usize, call: Call, fault: Fault) {
        let hit = Hit { session, call, fault };
        self.faults.hit(session, call, fault);
        self.scheduler.note(&format!("FAULT {hit}"));
    }

    /// Remembers an answer of KMS for a replay, and gives the previous answer to the same call.
    pub fn remember(&self, call: Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(call, answer)
    }

    /// The number of the next session, from 1 on.
    pub fn next_session(&self) -> usize {
        self.sessions.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The number of the next enclave, from 0 on.
    pub fn next_enclave(&self) -> usize {
        self.enclaves.fetch_add(1, Ordering::SeqCst)
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<usize, usize>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a worker that was started for a session.
    pub fn count_worker(&self, session: usize) {
        *self.workers().entry(session).or_default() += 1;
    }

    /// How many workers were started for a session.
    pub fn workers_started(&self, session: usize) -> usize {
        self.workers().get(&session).copied().unwrap_or(0)
    }
}
