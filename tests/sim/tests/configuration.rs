//! The configuration and the list of deployers that the parent gives at boot, changed one field at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::enclave::Enclave;
use common::{Fixture, OTHER_ARN, flipped, scenario};
use enclave_core::crypto::sha256;
use enclave_core::kms::Arn;
use enclave_core::{Configuration, Deployers, Error, Limits, MAX_CONFIGURATION};

/// The default configuration with a change.
fn with(fixture: &Fixture, change: impl FnOnce(&mut Configuration)) -> Configuration {
    let mut configuration = fixture.run.world.configuration();
    change(&mut configuration);
    configuration
}

/// Boots, and gives the error's code.
fn boot(fixture: &Fixture, configuration: Vec<u8>, list: Option<Vec<u8>>) -> Result<(), &'static str> {
    Enclave::boot_with(&fixture.run, &fixture.store, configuration, list).map(|_| ()).map_err(Error::code)
}

/// The document's PCR16 vouches for it, because [`Session::open`](capelet_sim::client::Session::open) verifies it.
#[test]
fn claims_contain_the_configuration_of_the_boot() {
    scenario(|mut fixture| {
        let default = fixture.run.world.configuration().encode();
        let list = Deployers::encode(&[7; 32], vec![fixture.owner.owner]);
        let limit = |change: fn(&mut Limits)| with(&fixture, |configuration| change(&mut configuration.limits));
        let changes = [
            with(&fixture, |configuration| configuration.arn = Arn::parse(OTHER_ARN).unwrap()),
            limit(|limits| limits.run += 1),
            limit(|limits| limits.memory += 1),
            limit(|limits| limits.input += 1),
            limit(|limits| limits.output += 1),
            with(&fixture, |configuration| configuration.deployers = Some(sha256(&[&list]))),
        ];
        for changed in changes {
            let list = changed.deployers.map(|_| list.clone());
            fixture.enclave = Enclave::boot_with(&fixture.run, &fixture.store, changed.encode(), list).unwrap();
            let session = fixture.session();
            assert_eq!(session.claims.configuration, changed.encode());
            assert_ne!(session.claims.configuration, default);
        }
    });
}

#[test]
fn rejects_an_invalid_configuration() {
    scenario(|fixture| {
        let bytes = fixture.run.world.configuration().encode();
        assert_eq!(boot(&fixture, bytes[..bytes.len() - 1].to_vec(), None), Err("malformed"));
        assert_eq!(boot(&fixture, [bytes.as_slice(), &[0]].concat(), None), Err("malformed"));
        assert_eq!(boot(&fixture, flipped(&bytes, 4), None), Err("malformed"));
        assert_eq!(boot(&fixture, vec![0; MAX_CONFIGURATION + 1], None), Err("too-large"));
        // Only under a development root, as here, may a configuration be absent.
        assert_eq!(boot(&fixture, Vec::new(), None), Ok(()));
    });
}

#[test]
fn rejects_a_list_of_deployers_that_the_configuration_does_not_name() {
    scenario(|fixture| {
        let list = Deployers::encode(&[7; 32], vec![fixture.owner.owner]);
        let other = Deployers::encode(&[7; 32], vec![fixture.other.owner]);
        let names = |list: &[u8]| with(&fixture, |configuration| configuration.deployers = Some(sha256(&[list])));
        let (named, default) = (names(&list).encode(), fixture.run.world.configuration().encode());
        assert_eq!(boot(&fixture, named.clone(), Some(list.clone())), Ok(()));
        assert_eq!(boot(&fixture, named.clone(), Some(other)), Err("disagrees"));
        assert_eq!(boot(&fixture, named, None), Err("disagrees"));
        assert_eq!(boot(&fixture, default, Some(list.clone())), Err("disagrees"));
        assert_eq!(boot(&fixture, Vec::new(), Some(list.clone())), Err("disagrees"));
        // An integer, a trailing byte, and an array with the same key twice.
        let twice = [&[0x82], &list[1..], &list[1..]].concat();
        for invalid in [vec![0], [list.as_slice(), &[0]].concat(), twice] {
            assert_eq!(boot(&fixture, names(&invalid).encode(), Some(invalid)), Err("malformed"));
        }
    });
}
