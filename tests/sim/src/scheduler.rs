//! A deterministic scheduler: only the thread that has the turn runs, and the seed decides which thread gets it next.

use crate::prng::Prng;
use data_encoding::HEXLOWER;
use enclave_core::UnixMillis;
use enclave_core::crypto::sha256;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How long a reader waits on a silent pipe, in milliseconds. The enclave's platform has the same limit.
const IDLE: u64 = 600_000;
/// The most times that the turn is passed on in one run.
const MAX_STEPS: u64 = 1_000_000;

thread_local! {
    static CURRENT_TASK: Cell<Option<usize>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Ready,
    /// Waits until something arrives in this pipe.
    Waiting(usize),
    /// Waited longer than [`IDLE`].
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
    /// The pipes that lost or damaged something. Only there may a thread wait in vain.
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
    /// A scheduler that decides by `prng` and advances `time` (milliseconds since 1970).
    pub fn new(prng: Prng, time: Arc<AtomicU64>) -> Arc<Self> {
        let (tasks, lossy, trace) = (Vec::new(), BTreeSet::new(), Vec::new());
        let state = State { tasks, running: None, prng, steps: 0, lossy, failure: None, trace };
        Arc::new(Self { state: Mutex::new(state), idle: Condvar::new(), time })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The simulated time.
    pub fn now(&self) -> UnixMillis {
        UnixMillis::new(self.time.load(Ordering::SeqCst))
    }

    /// Advances the simulated time.
    pub fn advance(&self, milliseconds: u64) {
        self.time.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Adds a thread. It starts to run when it first gets the turn.
    pub fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        let task = {
            let mut state = self.lock();
            state.tasks.push(Task { name: name.to_string(), status: Status::Ready, turn: Arc::new(Condvar::new()) });
            state.tasks.len() - 1
        };
        let scheduler = self.clone();
        let body = move || {
            CURRENT_TASK.set(Some(task));
            scheduler.await_turn(task);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
                let name = scheduler.lock().tasks[task].name.clone();
                scheduler.fail(format!("{name}: {text}"));
            }
            let mut state = scheduler.lock();
            state.tasks[task].status = Status::Done;
            scheduler.pass_turn(&mut state);
        };
        thread::Builder::new().name(name.to_string()).spawn(body).expect("a thread can be started");
    }

    /// Runs until every thread has ended.
    ///
    /// # Errors
    /// The first failure: a panic, a deadlock, or too many steps.
    pub fn run(&self) -> Result<(), String> {
        let mut state = self.lock();
        if state.running.is_none() {
            self.pass_turn(&mut state);
        }
        while !state.tasks.iter().all(|task| task.status == Status::Done) {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// Passes the turn on, possibly to the same thread. A thread that the scheduler did not start continues at once.
    pub fn yield_turn(&self) {
        let Some(task) = CURRENT_TASK.get() else { return };
        let mut state = self.lock();
        let passed = state.prng.below(16) as u64;
        self.advance(passed);
        self.pass_turn(&mut state);
        drop(state);
        self.await_turn(task);
    }

    /// Waits until something arrives in `pipe`. False if that took too long.
    pub fn wait(&self, pipe: usize) -> bool {
        let task = CURRENT_TASK.get().expect("only threads of the scheduler wait");
        let mut state = self.lock();
        if state.failure.is_some() {
            return false;
        }
        state.tasks[task].status = Status::Waiting(pipe);
        self.pass_turn(&mut state);
        drop(state);
        self.await_turn(task);
        let mut state = self.lock();
        let expired = state.tasks[task].status == Status::Expired;
        state.tasks[task].status = Status::Ready;
        !expired && state.failure.is_none()
    }

    /// Wakes the threads that wait for `pipe`, because something arrived or the pipe was closed.
    pub fn wake(&self, pipe: usize) {
        for task in &mut self.lock().tasks {
            if task.status == Status::Waiting(pipe) {
                task.status = Status::Ready;
            }
        }
    }

    /// Allows threads to wait for `pipe` in vain, because it lost or damaged something.
    pub fn mark_lossy(&self, pipe: usize) {
        self.lock().lossy.insert(pipe);
    }

    /// Ends the run. The first failure is kept.
    pub fn fail(&self, failure: String) {
        let mut state = self.lock();
        state.failure.get_or_insert(failure);
        // After a failure every thread runs freely, so that all of them end.
        for task in &state.tasks {
            task.turn.notify_all();
        }
    }

    /// Adds a line to the trace. The seed must decide everything in it.
    pub fn note(&self, text: &str) {
        let mut state = self.lock();
        let name = CURRENT_TASK.get().map_or("-", |task| state.tasks[task].name.as_str());
        let line = format!("{name}: {text}");
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

    fn pass_turn(&self, state: &mut State) {
        state.steps += 1;
        if state.steps > MAX_STEPS {
            state.failure.get_or_insert_with(|| "the run does not end: too many steps".to_string());
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
        let select = |state: &State, wanted: &dyn Fn(&Task) -> bool| -> Vec<usize> {
            state.tasks.iter().enumerate().filter(|(_, task)| wanted(task)).map(|(index, _)| index).collect()
        };
        let ready = select(state, &|task| matches!(task.status, Status::Ready | Status::Expired));
        if !ready.is_empty() {
            return Some(*state.prng.pick(&ready));
        }
        let lossy = state.lossy.clone();
        let in_vain = select(state, &|task| matches!(task.status, Status::Waiting(pipe) if lossy.contains(&pipe)));
        if !in_vain.is_empty() {
            let expired = *state.prng.pick(&in_vain);
            self.advance(IDLE);
            state.tasks[expired].status = Status::Expired;
            return Some(expired);
        }
        let waiting = select(state, &|task| matches!(task.status, Status::Waiting(_)));
        if !waiting.is_empty() {
            let names: Vec<_> = waiting.iter().map(|index| state.tasks[*index].name.clone()).collect();
            state.failure.get_or_insert(format!("deadlock: {} wait, but nothing was lost", names.join(", ")));
        }
        None
    }

    fn await_turn(&self, task: usize) {
        let mut state = self.lock();
        let turn = state.tasks[task].turn.clone();
        while state.running != Some(task) && state.failure.is_none() {
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
                    within.yield_turn();
                }
            });
        }
        scheduler.run().unwrap();
        scheduler.trace()
    }

    #[test]
    fn a_seed_decides_the_interleaving() {
        assert_eq!(interleaved(1), interleaved(1));
        assert_ne!(interleaved(1), interleaved(2));
        assert_eq!(interleaved(1).len(), 15);
    }

    #[test]
    fn reports_a_deadlock_with_the_waiting_threads() {
        let waits = scheduler(1);
        let within = waits.clone();
        waits.spawn("somebody", move || assert!(!within.wait(7)));
        let failure = waits.run().unwrap_err();
        assert!(failure.starts_with("deadlock: somebody"), "{failure}");
    }

    #[test]
    fn ends_the_wait_for_a_lossy_pipe_after_the_idle_limit() {
        let waits = scheduler(1);
        let within = waits.clone();
        waits.mark_lossy(7);
        waits.spawn("somebody", move || assert!(!within.wait(7)));
        waits.run().unwrap();
        assert_eq!(waits.now(), UnixMillis::new(IDLE));
    }

    #[test]
    fn reports_a_panic_as_a_failure() {
        let fails = scheduler(1);
        fails.spawn("somebody", || panic!("no {}", 1));
        assert_eq!(fails.run(), Err("somebody: no 1".to_string()));
    }
}
