//! deploy, vault-create with vault-confirm, and renewal, cut off at each call of the platform and each frame, and
//! taken up again by a new boot over the same store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::actor::{Actor, Board, Known, Phase};
use capelet_sim::faults::Plan;
use capelet_sim::run::{Enclave, Run};
use capelet_sim::store::Store;
use capelet_sim::world::World;
use enclave_core::parent::Kind;
use std::sync::{Arc, Mutex};

/// What came of one cut, and whether there was one.
struct Cut {
    /// How far she had come when the enclave went.
    before: Option<Phase>,
    /// Where she is after she took it up again.
    after: Vec<Phase>,
    /// What she knew of her functions when the enclave went.
    functions: Vec<Known>,
    /// How many of them were stored by then.
    stored: usize,
}

/// Lets somebody prepare, then act while the enclave lives for `calls` more calls, then take it up again, then looks
/// at everything. None if the enclave outlived the act.
fn cut(
    world: &Arc<World>,
    calls: usize,
    prepare: fn(&mut Actor),
    act: fn(&mut Actor),
    again: fn(&mut Actor),
) -> Option<Cut> {
    let run = Run::new(world, 11, Plan::default());
    let store = Arc::new(Mutex::new(Store::default()));
    let first = Enclave::boot(&run, &store).unwrap();
    let mut actor = Actor::new(&run, &[first], "owner", 1, &Arc::new(Mutex::new(Board::default())));
    let result = Arc::new(Mutex::new(None));
    let within = result.clone();
    run.alone(move |run| {
        prepare(&mut actor);
        actor.leave();
        run.faults.plan(Plan { dies_at: Some(calls), ..Plan::default() });
        act(&mut actor);
        if !run.faults.dead() {
            return;
        }
        let before = actor.vault.last().map(|key| key.phase);
        let functions = actor.functions.iter().map(|(_, known)| *known).collect();
        let stored = store.lock().unwrap().of(Kind::Function, &actor.person.owner).len();
        actor.leave();
        run.faults.stop();
        actor.enclaves = vec![Enclave::boot(run, &store).unwrap()];
        again(&mut actor);
        actor.audit(false);
        let after = actor.vault.iter().map(|key| key.phase).collect();
        *within.lock().unwrap() = Some(Cut { before, after, functions, stored });
    });
    result.lock().unwrap().take()
}

/// A cut after each number of calls, until the act outlives none.
fn everywhere(prepare: fn(&mut Actor), act: fn(&mut Actor), again: fn(&mut Actor)) -> Vec<Cut> {
    let world = World::new();
    let cuts: Vec<_> = (0..200).map_while(|calls| cut(&world, calls, prepare, act, again)).collect();
    assert!(cuts.len() < 200);
    cuts
}

#[test]
fn deploy() {
    let cuts = everywhere(|_| {}, Actor::deploy, Actor::deploy);
    // She never heard that it is there, for there was nobody to tell her; what she then deploys is the next version,
    // and the audit found the first one whole or not there.
    assert!(cuts.len() > 15, "{}", cuts.len());
    assert!(cuts.iter().all(|cut| cut.functions == [Known::Doubtful]));
    assert_eq!(cuts.first().map(|cut| cut.stored), Some(0));
    assert_eq!(cuts.last().map(|cut| cut.stored), Some(1));
}

#[test]
fn a_new_vault_key() {
    let cuts = everywhere(|_| {}, Actor::make_vault, Actor::make_vault);
    assert!(cuts.len() > 20, "{}", cuts.len());
    let of = |before: Option<Phase>, after: &[Phase]| {
        cuts.iter().any(|cut| (cut.before, cut.after.as_slice()) == (before, after))
    };
    // Cut off before she signed: the number is free, and she makes a key of it.
    assert!(of(None, &[Phase::Confirmed]));
    // Signed, but never sealed: the number is burnt, and she takes the next.
    assert!(of(Some(Phase::Signed), &[Phase::Burnt, Phase::Confirmed]));
    // Signed and sealed, but she never heard: it opens, so it is confirmed, and she makes another after it.
    assert!(of(Some(Phase::Signed), &[Phase::Confirmed, Phase::Confirmed]));
    for cut in &cuts {
        assert_ne!(cut.before, Some(Phase::Confirmed), "she heard from an enclave that was gone");
        assert_eq!(cut.after.last(), Some(&Phase::Confirmed));
    }
}

#[test]
fn a_renewal() {
    let cuts = everywhere(Actor::make_vault, Actor::renew, Actor::renew);
    assert!(cuts.len() > 15, "{}", cuts.len());
    for cut in cuts {
        // Nothing of a renewal puts the key in doubt.
        assert_eq!(cut.after, [Phase::Confirmed]);
    }
}
