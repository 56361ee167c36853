//! Requests of a client, and the parameters of every verb.
//!
//! - Splitting off a head never returns more than `MAX_HEAD` bytes, and the rest is the end of the input.
//! - An accepted request, and accepted parameters, are encoded to the same bytes.
//! - Accepted parameters make an accepted request. They delete a statement only under the id of statements.
//! - The key shares of an accepted request belong to functions and vault keys. A statement has none.
//! - A request that the owner signed is accepted, and both sides compute the same digest. Its parameters are those that
//!   were encoded, and are rejected as those of another verb.
//! - It is rejected in a session with other claims, with another number, or with one bit flipped.

use crate::damage::flip_bit;
use crate::identities::owner;
use crate::platform::NOW;
use enclave_core::messages::{
    DeleteParams, DeployParams, KeyShares, ListParams, MAX_HEAD, Params, PolicyParams, Request, RunParams,
    StatementParams, VaultAttestParams, VaultConfirmParams, VaultCreateParams, Verb, VerifiedRequest, split_head,
};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{ClaimsDigest, Deadline, MessageKind, RequestId};
use std::fmt::Debug;

const CLAIMS_DIGEST: ClaimsDigest = ClaimsDigest::new([5; 48]);
const OTHER_CLAIMS_DIGEST: ClaimsDigest = ClaimsDigest::new([6; 48]);

/// The input is a head with its length, a signed head, a request without a signature, or parameters.
pub fn check(data: &[u8]) {
    if let Ok((head, rest)) = split_head(data, MessageKind::Request) {
        assert!(head.len() <= MAX_HEAD && data.ends_with(rest));
    }
    let _ = VerifiedRequest::open(data, 0, &ClaimsDigest::new([0; 48]));
    check_params(data);
    let Ok(mut request) = Request::parse(data) else { return };
    assert_eq!(request.encode().as_slice(), data);
    assert!(request.key_shares.keys().all(|key| key.kind != StoreKind::Statement));
    check_params(&request.params);
    request.caller = owner().owner();
    check_signed(&request, data);
}

/// Signs `request` as its caller, the owner. `data` chooses the damage. Returns `None` if the request is too long.
fn check_signed(request: &Request, data: &[u8]) -> Option<VerifiedRequest> {
    let (signed, digest) = request.sign(owner(), &CLAIMS_DIGEST).ok()?;
    let (head, body) = split_head(&signed, MessageKind::Request).expect("a signed request has a head");
    assert!(body.is_empty());
    let opened = VerifiedRequest::open(head, request.n, &CLAIMS_DIGEST).expect("the signature is valid");
    assert_eq!((opened.encode(), *opened.digest()), (request.encode(), digest));
    let open = |head: &[u8], n, claims_digest| VerifiedRequest::open(head, n, claims_digest);
    assert!(open(head, request.n, &OTHER_CLAIMS_DIGEST).is_err(), "the signature does not cover the claims");
    assert!(open(head, request.n ^ 1, &CLAIMS_DIGEST).is_err());
    assert!(open(&flip_bit(head, data), request.n, &CLAIMS_DIGEST).is_err());
    Some(opened)
}

/// Reads `bytes` as the parameters of every verb.
fn check_params(bytes: &[u8]) {
    check_params_of::<DeployParams>(bytes);
    check_params_of::<RunParams>(bytes);
    check_params_of::<ListParams>(bytes);
    check_params_of::<DeleteParams>(bytes);
    check_params_of::<StatementParams>(bytes);
    check_params_of::<VaultCreateParams>(bytes);
    check_params_of::<VaultConfirmParams>(bytes);
    check_params_of::<VaultAttestParams>(bytes);
    check_params_of::<PolicyParams>(bytes);
    if let Ok(DeleteParams { kind, id, .. }) = DeleteParams::parse(bytes) {
        assert!(kind != StoreKind::Statement || id == StoreKey::STATEMENT);
    }
}

/// Reads `bytes` as parameters of type `T`, and signs a request with them.
fn check_params_of<T: Params + Debug + PartialEq>(bytes: &[u8]) {
    let Ok(params) = T::parse(bytes) else { return };
    assert_eq!(params.encode(), bytes);
    let request = Request {
        n: 0,
        verb: T::VERB,
        id: RequestId::new([1; 16]),
        not_after: Deadline::new(NOW),
        caller: owner().owner(),
        params: params.encode(),
        key_shares: KeyShares::new(),
        body: None,
    };
    assert!(Request::parse(&request.encode()).is_ok(), "a request with accepted parameters is rejected");
    let Some(opened) = check_signed(&request, bytes) else { return };
    assert_eq!(opened.params::<T>().as_ref(), Ok(&params));
    assert_eq!(opened.params::<ListParams>().is_ok(), T::VERB == Verb::List);
    assert_eq!(opened.params::<PolicyParams>().is_ok(), T::VERB == Verb::Policy);
}
