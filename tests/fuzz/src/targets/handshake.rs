//! The start of a connection from someone without keys.
//!
//! - The session always ends with an error.
//! - A valid hello that offers the suite is answered with one frame of evidence. The document repeats the hello's
//!   nonce. The claims contain its digest, and the memory of the enclave.
//! - Nothing else is answered.

use crate::kms::KmsMode;
use crate::platform::{FuzzPlatform, MEMORY};
use crate::trickle::Trickle;
use enclave_core::attestation::{Document, SessionClaims, TrustMode};
use enclave_core::crypto::sha384;
use enclave_core::encoding::{MAX_FRAME, read_frame};
use enclave_core::messages::{Hello, parse_evidence};
use enclave_core::session;
use std::collections::BTreeMap;

/// The first byte is the most bytes per read; the rest is what the client sends.
pub fn check(data: &[u8]) {
    let Some((&piece, data)) = data.split_first() else { return };
    let platform = FuzzPlatform::new(KmsMode::Honest, BTreeMap::new());
    let mut connection = Trickle::new(data, piece);
    assert!(session::serve(&platform, &platform.boot(), &mut connection).is_err());

    let bytes = read_frame(&mut Trickle::new(data, u8::MAX), Hello::MAX_LEN).unwrap_or_default();
    let Some(hello) = Hello::parse(&bytes).ok().filter(Hello::offers_suite) else {
        return assert!(connection.written.is_empty());
    };
    let mut answer = Trickle::new(&connection.written, u8::MAX);
    let evidence = read_frame(&mut answer, MAX_FRAME).expect("a valid hello is answered");
    assert!(answer.unread.is_empty(), "the enclave answers more than the hello");
    let (document, claims) = parse_evidence(&evidence).expect("the answer is evidence");
    assert_eq!(Document::parse(document).expect("the document is valid").nonce, Some(hello.nonce.as_ref()));
    let claims = SessionClaims::parse(claims, TrustMode::Development).expect("the claims are valid");
    assert_eq!((claims.hello, claims.memory), (sha384(&[&bytes]), MEMORY));
}
