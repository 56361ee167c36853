//! What a response has to fulfil.

use super::client::ClientSession;
use super::fixture::{FIXTURE, FUNCTION_ID};
use super::wire::Wire;
use crate::identities::owner;
use enclave_core::attestation::{TrustMode, VaultClaims};
use enclave_core::crypto::{FrameReader, Secret};
use enclave_core::kms::KeyMetadata;
use enclave_core::messages::{
    BodyDigest, Params as _, PolicyResult, Request, Response, RunParams, RunResult, StatementResult, Status,
    VaultOffer, Verb, empty_map, parse_list, split_head,
};
use enclave_core::objects::{ReceiptBundle, ReceiptFunction};
use enclave_core::{Error, MessageKind, RequestDigest};
use enclave_core_aws_lc::AwsLc;

/// A request that was sent.
pub struct PendingRequest {
    /// The request.
    pub request: Request,
    /// Its digest, which the response repeats.
    pub digest: RequestDigest,
    /// The body that was sent.
    pub body: Vec<u8>,
    /// Opens the response.
    pub secret: Secret,
    /// How many workers had been started before.
    pub started_before: u64,
}

/// A vault key that the enclave offers for confirmation.
pub struct Offer {
    /// The offer as it was received.
    pub offer: VaultOffer,
    /// Its claims.
    pub claims: VaultClaims,
}

/// Reads the response to `pending` and asserts everything that the protocol promises of it. `started` is how many
/// workers were started for the request. Returns the vault key that the response offers.
pub fn check(session: &ClientSession, pending: PendingRequest, started: u64, wire: &mut Wire) -> Option<Offer> {
    let PendingRequest { request, digest, body: sent, secret, .. } = pending;
    let commitment = wire.receive_frame();
    let mut reader =
        FrameReader::<AwsLc>::new(secret, digest.as_bytes(), &commitment).expect("the response is to this request");
    let mut plain = Vec::new();
    while !reader.ended() {
        plain.extend_from_slice(&reader.chunk(wire.receive_frame()).expect("every chunk opens"));
    }
    assert!(wire.from_enclave.is_empty(), "the enclave sent more than one response");
    let (head, body) = split_head(&plain, MessageKind::Response).expect("a response has a head");
    let response = Response::parse(head, request.n, &digest).expect("the head is valid");
    assert_eq!(response.body, (!body.is_empty() || response.body.is_some()).then(|| BodyDigest::of(body)));
    if request.verb == Verb::Run {
        let owned = request.caller == owner().owner();
        assert!(owned || response.status == Status::of(Error::Refused).number(), "a stranger's run is not refused");
        check_start(&response, started);
        check_run(session, &request, &digest, &sent, &response, body);
    } else {
        assert!(started == 0 && response.receipt.is_none(), "a verb other than run has a receipt");
    }
    let offer = check_result(request.verb, &response, body)?;
    let claims = VaultClaims::parse(&offer.claims, TrustMode::Development).expect("the claims are valid");
    assert_eq!(claims.owner, request.caller);
    Some(Offer { offer, claims })
}

/// Asserts that the result has the form of its verb and status. Returns the vault key that it offers.
fn check_result(verb: Verb, response: &Response, body: &[u8]) -> Option<VaultOffer> {
    let result = &response.result;
    assert!(response.body.is_none() || matches!(verb, Verb::Run | Verb::List));
    if verb == Verb::Run || response.status != Status::DONE.number() {
        let RunResult { value, stderr } = RunResult::parse(result).expect("the result is that of a run or a failure");
        let status = Status::error(response.status, value).map_or(Status::DONE, Status::of);
        assert_eq!((status.number(), status.value()), (response.status, value));
        assert!(stderr.is_none() || verb == Verb::Run);
        return None;
    }
    match verb {
        Verb::List => drop(parse_list(body).expect("the body is a list")),
        Verb::Statement => drop(StatementResult::parse(result).expect("the result is a statement")),
        Verb::Policy => {
            let metadata = PolicyResult::parse(result).expect("the result is a policy").metadata;
            assert!(metadata.is_none_or(|metadata| KeyMetadata::parse(&metadata).is_ok()));
        }
        Verb::VaultCreate | Verb::VaultAttest => {
            return Some(VaultOffer::parse(result).expect("the result is an offer"));
        }
        Verb::Deploy | Verb::Delete | Verb::VaultConfirm | Verb::Run => assert_eq!(**result, empty_map()),
    }
    None
}

/// Asserts that a run has a receipt exactly if its worker was started, and that its status says the same.
fn check_start(response: &Response, started: u64) {
    assert_eq!(started, u64::from(response.receipt.is_some()), "a started run has one receipt, any other has none");
    match response.status {
        1..=16 => assert_eq!(started, 0, "a status that means that nothing was started"),
        0 | 17..=24 => assert_eq!(started, 1, "a status that means that a run was started"),
        // KMS or the parent failed before the start, or the platform lost the worker after it.
        _ => {}
    }
}

/// Asserts that a completed run has a receipt, that a receipt is about this run, and that no other run has an output.
fn check_run(
    session: &ClientSession,
    request: &Request,
    digest: &RequestDigest,
    sent: &[u8],
    response: &Response,
    output: &[u8],
) {
    let done = response.status == Status::DONE.number();
    let Some(receipt) = &response.receipt else {
        assert!(!done && output.is_empty(), "a run without a receipt has a result");
        return;
    };
    let params = RunParams::parse(&request.params).expect("the parameters of a run that was started are valid");
    let salt = |i| (i > 0 || done).then(|| session.secrets.salt(request.n, i));
    let bundle = ReceiptBundle {
        document: vec![0],
        claims: session.claims_bytes.clone(),
        receipt: receipt.clone(),
        salts: (0..=params.inputs.len() as u32).map(salt).collect(),
    };
    let receipt = bundle.verify_signature(&session.claims).expect("the receipt is signed by the key in the claims");
    let RunParams { owner, id, version, checksum, inputs } = params;
    assert_eq!((receipt.request, receipt.status.number()), (*digest, response.status));
    assert_eq!(receipt.function, ReceiptFunction { owner, id, version, checksum });
    assert!(id != FUNCTION_ID || checksum == FIXTURE.checksum);
    assert_eq!((receipt.caller, receipt.verb), (request.caller, Verb::Run));
    if done {
        // The worker returns the function's first input.
        bundle.check_data(&receipt, &[Some(output), Some(output)]).expect("the commitments fit the output");
        assert!(sent.starts_with(output) || sent.starts_with(b"CPLT"));
    } else {
        assert!(output.is_empty() && receipt.output.is_none());
    }
    let result = RunResult::parse(&response.result).expect("the result is that of a run");
    assert!(result.stderr.is_none() || inputs.iter().all(|input| input.epoch.is_none()));
}
