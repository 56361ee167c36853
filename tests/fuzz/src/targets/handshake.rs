//! The beginning of a connection, from somebody who has no keys: the bytes as they are.

use super::bytes::Trickle;
use crate::world::{Says, World};
use enclave_core::boot::Boot;
use enclave_core::claims::{Regime, SUITE, SessionClaims};
use enclave_core::digest::sha384;
use enclave_core::document::Document;
use enclave_core::error::Down;
use enclave_core::hello::{Hello, parse_evidence};
use enclave_core::platform::Connection;
use enclave_core::{frame, session as sessions};
use std::collections::BTreeMap;

impl Connection for Trickle<'_> {
    fn export(&self, _label: &str, _context: &[u8]) -> Result<[u8; 32], Down> {
        Ok([8; 32])
    }
}

/// The first byte says in what pieces the others come. A proper hello is answered, by evidence that speaks of it;
/// nothing else is, for nobody sealed it.
pub fn handshake(data: &[u8]) {
    let Some((&piece, data)) = data.split_first() else { return };
    let world = World::new(Says::Truth, BTreeMap::new());
    let boot = Boot::fetch(&world, Regime::Development).expect("booted");
    let mut connection = Trickle::new(data, piece);
    assert!(sessions::serve(&world, &boot, &mut connection).is_err());

    let bytes = frame::read(&mut Trickle::new(data, u8::MAX), 256).unwrap_or_default();
    let Some(hello) = Hello::parse(&bytes).ok().filter(|hello| hello.suites.contains(&SUITE)) else {
        return assert!(connection.written.is_empty());
    };
    let mut answer = Trickle::new(&connection.written, u8::MAX);
    let evidence = frame::read(&mut answer, frame::MAX_FRAME).expect("a hello is answered");
    assert!(answer.left.is_empty(), "nothing else is answered");
    let (document, claims) = parse_evidence(&evidence).expect("evidence");
    assert_eq!(Document::parse(document).expect("a document").nonce, Some(&hello.nonce[..]));
    let claims = SessionClaims::parse(claims, Regime::Development).expect("claims");
    assert_eq!(claims.hello, sha384(&[&bytes]));
}
