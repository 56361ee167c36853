//! Runs one seed from beginning to end.

use crate::actor::{Actor, Board};
use crate::enclave::Enclave;
use crate::faults::{Call, Fault, Plan, pairs};
use crate::prng::Prng;
use crate::run::Run;
use crate::store::Store;
use crate::world::World;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The result of a seed.
pub struct Report {
    /// The faults that were injected.
    pub reached: BTreeSet<(Call, Fault)>,
    /// SHA-256 of the trace.
    pub digest: String,
    /// The trace.
    pub trace: Vec<String>,
    /// The number of chunks that were sealed.
    pub sealed: usize,
}

/// A seed that failed, with everything that a report needs.
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The first failure.
    pub reason: String,
    /// The trace.
    pub trace: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, reason, .. } = self;
        write!(f, "seed {seed}: {reason}\nreplay: cargo run --locked -p capelet-sim --bin sim -- {seed}")
    }
}

/// The number of seeds in a round. In a round each fault is targeted once; some seeds have no faults, and some have many.
pub fn round() -> u64 {
    let pairs = pairs().count() as u64;
    pairs + pairs / 8
}

/// How many calls of this kind every run makes, at least. A target lies among them.
fn occurrences(call: Call) -> usize {
    match call {
        Call::ToEnclave | Call::ToClient => 24,
        Call::GetObject | Call::Credentials | Call::Kms | Call::DocumentKms | Call::Recipient => 6,
        Call::Random => 8,
        Call::DocumentSession | Call::GenerateDataKey | Call::Decrypt | Call::Put => 3,
        Call::DocumentVault | Call::Work | Call::Replace => 2,
        _ => 1,
    }
}

/// The faults that a seed injects.
pub fn plan(seed: u64) -> Plan {
    let mut prng = Prng::new(seed).fork(3);
    let place = (seed % round()) as usize;
    match pairs().nth(place) {
        Some((call, fault)) => {
            let target = Some((call, fault, prng.below(occurrences(call))));
            // From the second round on, other faults are added.
            let one_in = if seed >= round() && prng.one_in(3) { 80 } else { 0 };
            Plan { target, one_in, dies_at: None }
        }
        None if place.is_multiple_of(2) => Plan::default(),
        None => Plan { one_in: 20, ..Plan::default() },
    }
}

/// Runs a seed.
///
/// # Errors
/// [`Failure`] if the seed fails.
pub fn simulate(world: &Arc<World>, seed: u64) -> Result<Report, Failure> {
    let plan = plan(seed);
    let run = Run::new(world, seed, plan);
    let outcome = act(&run, plan);
    let trace = run.scheduler.trace();
    match outcome {
        Ok(()) => {
            let (sealed, _) = run.ledger.counts();
            Ok(Report { reached: run.faults.reached(), digest: run.scheduler.digest(), trace, sealed })
        }
        Err(reason) => Err(Failure { seed, reason, trace }),
    }
}

fn act(run: &Arc<Run>, plan: Plan) -> Result<(), String> {
    let mut prng = run.prng.fork(4);
    let store = Arc::new(Mutex::new(Store::default()));
    let mut enclaves = Vec::new();
    for _ in 0..1 + prng.below(2) {
        match Enclave::boot(run, &store) {
            Ok(enclave) => enclaves.push(enclave),
            // An enclave that does not boot needs a reason.
            Err(error) => {
                run.scheduler.note(&format!("boot -> {}", error.code()));
                let hits = run.faults.hits();
                let expected = hits.iter().any(|hit| matches!(hit.call, Call::Boot | Call::Random));
                return if expected { Ok(()) } else { Err(format!("boot: {error}")) };
            }
        }
    }
    let board = Arc::new(Mutex::new(Board::default()));
    let owner = Actor::new(run, &enclaves, "owner", 1, &board);
    let stranger = Actor::new(run, &enclaves, "stranger", 2, &board);
    let with_vault = matches!(plan.target, Some((Call::GetStatement, Fault::OtherObject, _)));
    let key = owner.person.owner;
    let people = Arc::new(Mutex::new(Vec::new()));
    let shuffle = run.prng.fork(5);
    spawn(run, owner, &people, move |actor| actor.act_as_owner(shuffle));
    spawn(run, stranger, &people, move |actor| actor.act_as_stranger(key, with_vault));
    run.finish()?;

    let falsely_done = run.faults.hits().iter().any(|hit| hit.fault == Fault::FalseDone);
    run.faults.stop();
    let actors: Vec<Actor> = people.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
    for actor in actors {
        spawn(run, actor, &people, move |actor| actor.audit(falsely_done));
    }
    run.finish()
}

/// Adds a thread on which `actor` acts. Afterwards the actor is among `people`.
fn spawn(
    run: &Arc<Run>,
    mut actor: Actor,
    people: &Arc<Mutex<Vec<Actor>>>,
    acts: impl FnOnce(&mut Actor) + Send + 'static,
) {
    let people = people.clone();
    let name = actor.person.name.clone();
    run.spawn(&name, move || {
        acts(&mut actor);
        actor.disconnect();
        people.lock().unwrap_or_else(PoisonError::into_inner).push(actor);
    });
}
