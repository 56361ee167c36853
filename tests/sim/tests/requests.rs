//! Requests that are repeated, late, signed by another caller, or longer than announced.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::person::Person;
use capelet_sim::request::RequestSpec;
use capelet_sim::verbs::{self, Input};
use common::scenario;
use enclave_core::messages::{BodyDigest, ListParams, PolicyParams};
use enclave_core::parent::StoreKind;
use enclave_core::session::MAX_DISCARDED;
use enclave_core::{Deadline, Error, MAX_BUNDLE, RequestId, TransportError, UnixMillis};

/// Sends a policy request with this id and deadline.
fn policy(session: &mut Session, person: &mut Person, id: u8, not_after: UnixMillis) -> Result<(), Error> {
    let (id, not_after) = (Some(RequestId::new([id; 16])), Some(Deadline::new(not_after)));
    let spec = RequestSpec { id, not_after, ..RequestSpec::new(&PolicyParams::Configured) };
    session.send_expect_ok(person, spec).map(|_| ())
}

#[test]
fn rejects_replayed_and_expired_requests() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let scheduler = fixture.run.scheduler.clone();
        let ahead = |milliseconds| scheduler.now().plus(milliseconds);
        let past = UnixMillis::new(scheduler.now().get() - 1000);
        let owner = &mut fixture.owner;
        assert_eq!(policy(&mut session, owner, 1, ahead(1000)), Ok(()));
        assert_eq!(policy(&mut session, owner, 1, ahead(1000)), Err(Error::Refused));
        assert_eq!(policy(&mut session, owner, 2, past), Err(Error::RequestExpired));
        let too_far = ahead(Deadline::MAX_AHEAD + 60_000);
        assert_eq!(policy(&mut session, owner, 2, too_far), Err(Error::RequestExpired));
        assert_eq!(policy(&mut session, owner, 2, ahead(1000)), Ok(()));
        // Another session of the same boot knows the id. Another caller's ids are independent.
        let mut session = fixture.session();
        assert_eq!(policy(&mut session, &mut fixture.owner, 2, ahead(1000)), Err(Error::Refused));
        let mut session = fixture.others_session();
        assert_eq!(policy(&mut session, &mut fixture.other, 2, ahead(1000)), Ok(()));
    });
}

#[test]
fn rejects_a_second_caller_in_a_session() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let deadline = fixture.run.scheduler.now().plus(60_000);
        assert_eq!(policy(&mut session, &mut fixture.owner, 1, deadline), Ok(()));
        assert_eq!(policy(&mut session, &mut fixture.other, 2, deadline), Err(Error::Refused));
        assert_eq!(policy(&mut session, &mut fixture.owner, 3, deadline), Ok(()));
    });
}

/// The answer is a limit and not `busy`, which clients retry.
#[test]
fn rejects_an_announced_length_over_the_limit() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        let key = verbs::accepted_key(&session).unwrap();
        let announce = |length, spec| {
            let announced = Some(BodyDigest { length, sha256: [0; 32] });
            RequestSpec { announced, body: None, ..spec }
        };
        let most = MAX_BUNDLE as u64;
        for length in [most + 1, 500 << 20, u64::MAX] {
            let spec = announce(length, verbs::deploy_spec(&fixture.run, &fixture.owner, &key, &function));
            assert_eq!(fixture.send(&mut session, spec).ok().map(|_| ()), Err(Error::InputLimit(most)), "{length}");
        }
        fixture.deploy(&mut session, &function);
        let most = fixture.run.world.configuration().limits.input;
        for length in [most + 1, 500 << 20, u64::MAX] {
            let inputs = [Input::Plain(Vec::new())];
            let spec = announce(length, verbs::run_spec(&fixture.run, &fixture.owner, &function, &inputs));
            assert_eq!(fixture.send(&mut session, spec).ok().map(|_| ()), Err(Error::InputLimit(most)), "{length}");
        }
    });
}

/// No client keeps the enclave reading.
#[test]
fn ends_the_connection_of_a_body_that_is_longer_than_announced() {
    scenario(|mut fixture| {
        for (announced, answered) in [(200_000, true), (199_999, false), (0, false), (MAX_DISCARDED + 1, false)] {
            let mut session = fixture.session();
            let spec = RequestSpec::new(&ListParams { kind: StoreKind::Function }).with_body(vec![0; 200_000]);
            let announced_digest = Some(BodyDigest { length: announced, sha256: [0; 32] });
            let spec = RequestSpec { announced: announced_digest, ..spec };
            let result = session.send_expect_ok(&mut fixture.owner, spec);
            let expected = if answered { Error::Refused } else { Error::Transport(TransportError::Closed) };
            assert_eq!(result.map(|_| ()), Err(expected), "{announced}");
        }
    });
}

#[test]
fn rejects_another_body_than_the_announced_one() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        for announced in [BodyDigest::of(b"othes"), BodyDigest::of(b"others")] {
            let inputs = [Input::Plain(b"other".to_vec())];
            let spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &inputs);
            let received = fixture.send(&mut session, RequestSpec { announced: Some(announced), ..spec });
            assert!(matches!(received.ok(), Err(Error::Mismatch(_))));
        }
    });
}

/// KMS rejects signatures that are older than five minutes, but a body may take longer.
#[test]
fn a_slow_body_does_not_make_the_kms_signature_too_old() {
    scenario(|mut fixture| {
        let pause = 7 * 60_000;
        let far = Deadline::new(fixture.run.scheduler.now().plus(Deadline::MAX_AHEAD));
        let mut session = fixture.session();
        let function = fixture.function(1, &[7; 100_000]);
        let key = verbs::accepted_key(&session).unwrap();
        let spec = verbs::deploy_spec(&fixture.run, &fixture.owner, &key, &function);
        fixture.send(&mut session, RequestSpec { pause, not_after: Some(far), ..spec }).ok().unwrap();

        let mut session = fixture.session();
        let far = Deadline::new(fixture.run.scheduler.now().plus(Deadline::MAX_AHEAD));
        let spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &[Input::Plain(vec![1; 100_000])]);
        fixture.send(&mut session, RequestSpec { pause, not_after: Some(far), ..spec }).ok().unwrap();
    });
}

#[test]
fn a_run_that_would_start_too_late_is_not_started_and_has_no_receipt() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let soon = Deadline::new(fixture.run.scheduler.now().plus(60_000));
        let spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &[Input::Plain(vec![1; 100_000])]);
        let received = fixture.send(&mut session, RequestSpec { pause: 7 * 60_000, not_after: Some(soon), ..spec });
        assert!(received.response.receipt.is_none());
        assert_eq!(received.ok().map(|_| ()), Err(Error::RequestExpired));
        assert_eq!(fixture.run.workers_started(session.number), 0);
    });
}
