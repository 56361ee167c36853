//! deploy, vault-create with vault-confirm, and renewal. The enclave ends at each call of the platform and at each frame,
//! and a new boot over the same store continues.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::actor::{Actor, Board, Known, Phase};
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::Plan;
use capelet_sim::run::Run;
use capelet_sim::store::Store;
use capelet_sim::world::World;
use enclave_core::parent::StoreKind;
use std::sync::{Arc, Mutex};

/// The state at one cut, and after the new boot.
struct Cut {
    /// How far the owner's vault key had come when the enclave ended.
    before: Option<Phase>,
    /// How far the owner's vault keys have come at last.
    after: Vec<Phase>,
    /// What the owner knew of their functions when the enclave ended.
    functions: Vec<Known>,
    /// How many of these functions were stored.
    stored: usize,
}

/// An owner prepares, and acts while the enclave makes `calls` more calls. After a new boot the owner acts again, and
/// everything is audited. `None` if the enclave did not end before the act did.
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
    run.scenario(move |run| {
        prepare(&mut actor);
        actor.disconnect();
        run.faults.follow(Plan { dies_at: Some(calls), ..Plan::default() });
        act(&mut actor);
        if !run.faults.dead() {
            return;
        }
        let before = actor.vault.last().map(|key| key.phase);
        let functions = actor.functions.iter().map(|(_, known)| *known).collect();
        let stored = store.lock().unwrap().keys(StoreKind::Function, &actor.person.owner).len();
        actor.disconnect();
        run.faults.stop();
        actor.enclaves = vec![Enclave::boot(run, &store).unwrap()];
        again(&mut actor);
        actor.audit(false);
        let after = actor.vault.iter().map(|key| key.phase).collect();
        *within.lock().unwrap() = Some(Cut { before, after, functions, stored });
    });
    result.lock().unwrap().take()
}

/// A cut after each number of calls, until the act ends first.
fn cut_everywhere(prepare: fn(&mut Actor), act: fn(&mut Actor), again: fn(&mut Actor)) -> Vec<Cut> {
    let world = World::new();
    let cuts: Vec<_> = (0..200).map_while(|calls| cut(&world, calls, prepare, act, again)).collect();
    assert!(cuts.len() < 200);
    cuts
}

#[test]
fn a_deploy_that_is_cut_leaves_a_complete_function_or_none() {
    let cuts = cut_everywhere(|_| {}, Actor::deploy, Actor::deploy);
    // The owner never got an answer, so the next deploy is the next version. The audit checks that the first version is
    // complete or absent.
    assert!(cuts.len() > 15, "{}", cuts.len());
    assert!(cuts.iter().all(|cut| cut.functions == [Known::Uncertain]));
    assert_eq!(cuts.first().map(|cut| cut.stored), Some(0));
    assert_eq!(cuts.last().map(|cut| cut.stored), Some(1));
}

#[test]
fn a_vault_key_that_is_cut_is_confirmed_or_abandoned() {
    let cuts = cut_everywhere(|_| {}, Actor::make_vault_key, Actor::make_vault_key);
    assert!(cuts.len() > 20, "{}", cuts.len());
    let of = |before: Option<Phase>, after: &[Phase]| {
        cuts.iter().any(|cut| (cut.before, cut.after.as_slice()) == (before, after))
    };
    // Cut before the owner signed: the epoch is free, and the owner uses it.
    assert!(of(None, &[Phase::Confirmed]));
    // Signed but not stored: the epoch is abandoned, and the owner uses the next one.
    assert!(of(Some(Phase::Signed), &[Phase::Abandoned, Phase::Confirmed]));
    // Signed and stored, but the answer was lost: the key opens, so it is confirmed. The owner then makes another.
    assert!(of(Some(Phase::Signed), &[Phase::Confirmed, Phase::Confirmed]));
    for cut in &cuts {
        assert_ne!(cut.before, Some(Phase::Confirmed), "an answer from an enclave that had ended");
        assert_eq!(cut.after.last(), Some(&Phase::Confirmed));
    }
}

#[test]
fn a_renewal_that_is_cut_leaves_the_key_confirmed() {
    let cuts = cut_everywhere(Actor::make_vault_key, Actor::renew, Actor::renew);
    assert!(cuts.len() > 15, "{}", cuts.len());
    for cut in cuts {
        assert_eq!(cut.after, [Phase::Confirmed]);
    }
}
