//! A request has no effect after its deadline, no matter who made the enclave wait: the client with its body, KMS or the parent.
//! A session has no effect 55 minutes after its document.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::faults::{Call, Plan};
use capelet_sim::request::RequestSpec;
use capelet_sim::vault;
use capelet_sim::verbs::{self, Input};
use common::{Fixture, code, scenario};
use enclave_core::identity::VAULT_RECORD;
use enclave_core::objects::MAX_RECEIPT_AGE;
use enclave_core::parent::StoreKind;
use enclave_core::{Deadline, Error};

const MINUTE: u64 = 60_000;

/// With a deadline a minute from now.
fn within_a_minute(fixture: &Fixture, spec: RequestSpec) -> RequestSpec {
    RequestSpec { not_after: Some(Deadline::new(fixture.run.scheduler.now().plus(MINUTE))), ..spec }
}

#[test]
fn a_deploy_has_no_effect_after_its_deadline() {
    scenario(|mut fixture| {
        let function = fixture.function(1, &[7; 100_000]);
        // The client's body, each call of KMS, and the parent's credentials may all take long.
        for slow in [None, Some(Call::GenerateDataKey), Some(Call::Credentials), Some(Call::DocumentKms)] {
            let mut session = fixture.session();
            let key = verbs::accepted_key(&session).unwrap();
            let spec = within_a_minute(&fixture, verbs::deploy_spec(&fixture.run, &fixture.owner, &key, &function));
            let pause = if slow.is_none() { 2 * MINUTE } else { 0 };
            if let Some(call) = slow {
                fixture.run.delay_next(call, 2 * MINUTE);
            }
            let received = fixture.send(&mut session, RequestSpec { pause, ..spec });
            assert_eq!(code(received), "request-expired", "{slow:?}");
            assert!(fixture.store_is_empty(), "{slow:?}");
        }
        let mut session = fixture.session();
        fixture.deploy(&mut session, &function);
    });
}

#[test]
fn a_run_does_not_start_after_its_deadline() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let data = vec![7; 100_000];
        for slow in [None, Some(Call::GetObject), Some(Call::Decrypt), Some(Call::Work)] {
            // A new session after the data keys are forgotten, so that KMS is asked.
            fixture.run.scheduler.advance(10 * MINUTE);
            let mut session = fixture.session();
            let spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &[Input::Plain(data.clone())]);
            let spec = within_a_minute(&fixture, spec);
            let pause = if slow.is_none() { 2 * MINUTE } else { 0 };
            if let Some(call) = slow {
                fixture.run.delay_next(call, 2 * MINUTE);
            }
            let received = fixture.send(&mut session, RequestSpec { pause, ..spec });
            assert!(received.response.receipt.is_none());
            assert_eq!(code(received), "request-expired", "{slow:?}");
            assert_eq!(fixture.run.workers_started(session.number), 0);
        }
    });
}

#[test]
fn a_vault_key_is_neither_offered_nor_stored_nor_published_after_the_deadline() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        fixture.run.delay_next(Call::Random, 8 * MINUTE);
        let created = vault::create(&fixture.run, &mut session, &mut fixture.owner, 1);
        assert_eq!(created.err(), Some(Error::RequestExpired));

        for slow in [Call::GenerateDataKey, Call::Put] {
            let mut session = fixture.session();
            let offer = vault::create(&fixture.run, &mut session, &mut fixture.owner, 1).unwrap();
            let record = vault::record(&fixture.run, &fixture.owner, &offer).unwrap();
            let signed = fixture.owner.identity.sign1(VAULT_RECORD, &[], &record.encode());
            let spec = vault::confirm_spec(&fixture.run, &fixture.owner, record.kid, 1, signed);
            let spec = within_a_minute(&fixture, spec);
            fixture.run.delay_next(slow, 2 * MINUTE);
            assert_eq!(code(fixture.send(&mut session, spec)), "request-expired", "{slow:?}");
            assert!(fixture.stored(StoreKind::Statement).is_empty(), "{slow:?}");
        }
    });
}

/// Every receipt is signed within the hour that its verifier allows.
#[test]
fn a_session_starts_nothing_55_minutes_after_its_document() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let inputs = [Input::Plain(b"x".to_vec())];
        fixture.run.scheduler.advance(55 * MINUTE - 1000);
        let received = fixture.run(&mut session, &function, &inputs);
        let receipt = session.check_receipt(&received, &[b"x"], &[None], Some(&received.body)).unwrap();
        assert!(receipt.ended.since(session.timestamp) < MAX_RECEIPT_AGE);
        // A run that waits for its place past that moment is not started, although its own deadline is later.
        fixture.run.delay_next(Call::Work, 2000);
        assert_eq!(code(fixture.run(&mut session, &function, &inputs)), "request-expired");
        fixture.run.faults.follow(Plan::default());
        assert_eq!(code(fixture.run(&mut session, &function, &inputs)), "request-expired");
        assert_eq!(fixture.calls(Call::Work), 0);
        // Another session goes on.
        let mut session = fixture.session();
        assert_eq!(code(fixture.run(&mut session, &function, &inputs)), "done");
    });
}
