//! The baton: of all threads only the one that holds it runs, and a seed says who gets it next.

use crate::prng::Prng;
use data_encoding::HEXLOWER;
use enclave_core::digest::sha256;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How long a pipe may be silent before its reader gives up, in milliseconds: the driver's.
const IDLE: u64 = 600_000;
/// The most times that the baton is handed on in one run.
const MAX_STEPS: u64 = 1_000_000;

thread_local! {
    static ME: Cell<Option<usize>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Ready,
    /// For something to come through this pipe.
    Waiting(usize),
    /// It waited for too long.
    Expired,
    Done,
}

struct Task {
    name: String,
    status: Status,
    turn: Arc<Condvar>,
}

struct State {
    tasks: Vec<Task>,
    running: Option<usize>,
    prng: Prng,
    steps: u64,
    /// Pipes on which something was lost: only there may somebody wait for what never comes.
    lossy: BTreeSet<usize>,
    failure: Option<String>,
    trace: Vec<String>,
}

/// See the module.
pub struct Scheduler {
    state: Mutex<State>,
    idle: Condvar,
    time: Arc<AtomicU64>,
}

impl Scheduler {
    /// A scheduler that decides by `prng` and moves `time` (milliseconds since 1970) on.
    pub fn new(prng: Prng, time: Arc<AtomicU64>) -> Arc<Self> {
        let (tasks, lossy, trace) = (Vec::new(), BTreeSet::new(), Vec::new());
        let state = State { tasks, running: None, prng, steps: 0, lossy, failure: None, trace };
        Arc::new(Self { state: Mutex::new(state), idle: Condvar::new(), time })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    /// Lets time pass.
    pub fn advance(&self, milliseconds: u64) {
        self.time.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Adds a thread. It runs when its turn comes, not before.
    pub fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        let me = {
            let mut state = self.lock();
            state.tasks.push(Task { name: name.to_string(), status: Status::Ready, turn: Arc::new(Condvar::new()) });
            state.tasks.len() - 1
        };
        let scheduler = self.clone();
        let body = move || {
            ME.set(Some(me));
            scheduler.await_turn(me);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
                let name = scheduler.lock().tasks[me].name.clone();
                scheduler.fail(format!("{name}: {text}"));
            }
            let mut state = scheduler.lock();
            state.tasks[me].status = Status::Done;
            scheduler.hand_on(&mut state);
        };
        thread::Builder::new().name(name.to_string()).spawn(body).expect("a thread");
    }

    /// Runs until every thread is done. The error is the first thing that went wrong.
    pub fn run(&self) -> Result<(), String> {
        let mut state = self.lock();
        if state.running.is_none() {
            self.hand_on(&mut state);
        }
        while !state.tasks.iter().all(|task| task.status == Status::Done) {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// Hands the baton on, maybe to oneself. Threads that the scheduler does not know go on.
    pub fn pause(&self) {
        let Some(me) = ME.get() else { return };
        let mut state = self.lock();
        let passed = state.prng.below(16) as u64;
        self.advance(passed);
        self.hand_on(&mut state);
        drop(state);
        self.await_turn(me);
    }

    /// Waits for something to come through `pipe`; false if that took too long.
    pub fn wait(&self, pipe: usize) -> bool {
        let me = ME.get().expect("only a thread of the scheduler's waits");
        let mut state = self.lock();
        if state.failure.is_some() {
            return false;
        }
        state.tasks[me].status = Status::Waiting(pipe);
        self.hand_on(&mut state);
        drop(state);
        self.await_turn(me);
        let mut state = self.lock();
        let expired = state.tasks[me].status == Status::Expired;
        state.tasks[me].status = Status::Ready;
        !expired && state.failure.is_none()
    }

    /// Something came through `pipe`, or it was closed.
    pub fn wake(&self, pipe: usize) {
        for task in &mut self.lock().tasks {
            if task.status == Status::Waiting(pipe) {
                task.status = Status::Ready;
            }
        }
    }

    /// Something that went through `pipe` was lost or damaged: whoever waits there may do so in vain.
    pub fn lossy(&self, pipe: usize) {
        self.lock().lossy.insert(pipe);
    }

    /// Ends the run; the first failure is kept.
    pub fn fail(&self, failure: String) {
        let mut state = self.lock();
        state.failure.get_or_insert(failure);
        // From here on nobody is held back: each is to end.
        for task in &state.tasks {
            task.turn.notify_all();
        }
    }

    /// Writes into the trace. Nothing that the seed does not decide may be in it.
    pub fn note(&self, text: &str) {
        let mut state = self.lock();
        let who = ME.get().map_or("-", |me| state.tasks[me].name.as_str());
        let line = format!("{who}: {text}");
        state.trace.push(line);
    }

    /// The trace so far.
    pub fn trace(&self) -> Vec<String> {
        self.lock().trace.clone()
    }

    /// SHA-256 of the trace, in hexadecimal.
    pub fn digest(&self) -> String {
        HEXLOWER.encode(&sha256(&[self.trace().join("\n").as_bytes()]))
    }

    fn hand_on(&self, state: &mut State) {
        state.steps += 1;
        if state.steps > MAX_STEPS {
            state.failure.get_or_insert_with(|| "no end: the baton went round too often".to_string());
        }
        state.running = self.next(state);
        match state.running {
            Some(next) => state.tasks[next].turn.notify_all(),
            None => self.idle.notify_all(),
        }
        if state.failure.is_some() {
            state.tasks.iter().for_each(|task| task.turn.notify_all());
            self.idle.notify_all();
        }
    }

    fn next(&self, state: &mut State) -> Option<usize> {
        let of = |state: &State, wanted: &dyn Fn(&Task) -> bool| -> Vec<usize> {
            state.tasks.iter().enumerate().filter(|(_, task)| wanted(task)).map(|(index, _)| index).collect()
        };
        let ready = of(state, &|task| matches!(task.status, Status::Ready | Status::Expired));
        if !ready.is_empty() {
            return Some(*state.prng.pick(&ready));
        }
        let lossy = state.lossy.clone();
        let in_vain = of(state, &|task| matches!(task.status, Status::Waiting(pipe) if lossy.contains(&pipe)));
        if !in_vain.is_empty() {
            let expired = *state.prng.pick(&in_vain);
            self.advance(IDLE);
            state.tasks[expired].status = Status::Expired;
            return Some(expired);
        }
        let waiting = of(state, &|task| matches!(task.status, Status::Waiting(_)));
        if !waiting.is_empty() {
            let names: Vec<_> = waiting.iter().map(|index| state.tasks[*index].name.clone()).collect();
            state.failure.get_or_insert(format!("deadlock: {} wait, and nothing was lost", names.join(", ")));
        }
        None
    }

    fn await_turn(&self, me: usize) {
        let mut state = self.lock();
        let turn = state.tasks[me].turn.clone();
        while state.running != Some(me) && state.failure.is_none() {
            state = turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduler(seed: u64) -> Arc<Scheduler> {
        Scheduler::new(Prng::new(seed), Arc::new(AtomicU64::new(0)))
    }

    fn interleaved(seed: u64) -> Vec<String> {
        let scheduler = scheduler(seed);
        for name in ["a", "b", "c"] {
            let within = scheduler.clone();
            scheduler.spawn(name, move || {
                for step in 0..5 {
                    within.note(&step.to_string());
                    within.pause();
                }
            });
        }
        scheduler.run().unwrap();
        scheduler.trace()
    }

    #[test]
    fn a_seed_is_an_interleaving() {
        assert_eq!(interleaved(1), interleaved(1));
        assert_ne!(interleaved(1), interleaved(2));
        assert_eq!(interleaved(1).len(), 15);
    }

    #[test]
    fn waiting_in_vain_has_a_name() {
        let waits = scheduler(1);
        let within = waits.clone();
        waits.spawn("somebody", move || assert!(!within.wait(7)));
        let failure = waits.run().unwrap_err();
        assert!(failure.starts_with("deadlock: somebody"), "{failure}");
    }

    #[test]
    fn waiting_for_what_was_lost_ends() {
        let waits = scheduler(1);
        let within = waits.clone();
        waits.lossy(7);
        waits.spawn("somebody", move || assert!(!within.wait(7)));
        waits.run().unwrap();
        assert_eq!(waits.now(), IDLE);
    }

    #[test]
    fn a_panic_is_a_failure() {
        let fails = scheduler(1);
        fails.spawn("somebody", || panic!("no {}", 1));
        assert_eq!(fails.run(), Err("somebody: no 1".to_string()));
    }
}
