//! What the parent hands over at boot, changed one field at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::run::Enclave;
use common::{OTHER_ARN, alone, flipped};
use enclave_core::Error;
use enclave_core::config::{Arn, Configuration, Deployers, Limits};

/// What an enclave is told to be, it is; its claims say so, and its document that it measured just that.
#[test]
fn configuration_and_deployers() {
    alone(|mut place| {
        let usual = place.run.world.configuration();
        let with = |change: &dyn Fn(&mut Configuration)| {
            let mut configuration = usual.clone();
            change(&mut configuration);
            configuration
        };
        let list = Deployers::encode(vec![place.owner.owner]);
        let listed = with(&|configuration| configuration.deployers = Some(enclave_core::digest::sha256(&[&list])));
        let limit = |change: fn(&mut Limits)| with(&|configuration| change(&mut configuration.limits));
        for changed in [
            with(&|configuration| configuration.arn = Arn::parse(OTHER_ARN).unwrap()),
            limit(|limits| limits.run += 1),
            limit(|limits| limits.memory += 1),
            limit(|limits| limits.input += 1),
            limit(|limits| limits.output += 1),
            listed.clone(),
        ] {
            let beside = changed.deployers.map(|_| list.clone());
            place.enclave = Enclave::boot_with(&place.run, &place.store, changed.encode(), beside).unwrap();
            let session = place.session();
            assert_eq!(session.claims.configuration, changed.encode());
            assert_ne!(session.claims.configuration, usual.encode());
        }
        let boot = |configuration: Vec<u8>, list: Option<Vec<u8>>| {
            Enclave::boot_with(&place.run, &place.store, configuration, list).map(|_| ()).map_err(Error::code)
        };
        // Not of its form.
        let bytes = usual.encode();
        assert_eq!(boot(bytes[..bytes.len() - 1].to_vec(), None), Err("malformed"));
        assert_eq!(boot([bytes.as_slice(), &[0]].concat(), None), Err("malformed"));
        assert_eq!(boot(flipped(&bytes, 4), None), Err("malformed"));
        assert_eq!(boot(vec![0; 16_385], None), Err("too-large"));
        // The list is not the one that the configuration names, or is not a list.
        let other = Deployers::encode(vec![place.attacker.owner]);
        assert_eq!(boot(listed.encode(), Some(list.clone())), Ok(()));
        assert_eq!(boot(listed.encode(), Some(other)), Err("disagrees"));
        assert_eq!(boot(listed.encode(), None), Err("disagrees"));
        assert_eq!(boot(usual.encode(), Some(list.clone())), Err("disagrees"));
        assert_eq!(boot(Vec::new(), Some(list.clone())), Err("disagrees"));
        assert_eq!(boot(Vec::new(), None), Ok(()));
        for no_list in [vec![0], [list.as_slice(), &[0]].concat(), {
            let mut twice = vec![0x82];
            twice.extend([&list[1..], &list[1..]].concat());
            twice
        }] {
            let named =
                with(&|configuration| configuration.deployers = Some(enclave_core::digest::sha256(&[&no_list])));
            assert_eq!(boot(named.encode(), Some(no_list.clone())), Err("malformed"));
        }
    });
}
