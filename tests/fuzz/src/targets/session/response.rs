//! What a response has to fulfil.

use super::client::ClientSession;
use super::fixture::{FIXTURE, FUNCTION_ID};
use super::wire::Wire;
use crate::identities::owner;
use crate::kms as fuzz_kms;
use crate::platform::IMAGE;
use enclave_core::attestation::{TrustMode, VaultClaims};
use enclave_core::crypto::{FrameReader, Secret};
use enclave_core::identity::{FunctionRecord, VaultRecord};
use enclave_core::kms::KeyMetadata;
use enclave_core::messages::{
    BodyDigest, DeployParams, Params as _, PolicyParams, PolicyTexts, Request, Response, RunInput, RunParams,
    RunResult, StatementResult, Status, VaultAttestParams, VaultConfirmParams, VaultCreateParams, VaultOffer, Verb,
    empty_map, parse_list, split_head,
};
use enclave_core::objects::{Ciphertext, Receipt, ReceiptBundle, ReceiptFunction};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Error, MessageKind, Pcr, RequestDigest};
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
    /// Whether the connection has a place for the caller.
    pub has_place: bool,
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
    let PendingRequest { request, digest, body: sent, secret, has_place, .. } = pending;
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
    let has_status = |error| response.status == Status::of(error).number();
    assert!(has_place || has_status(Error::BUSY), "a caller without a place is served");
    if request.verb == Verb::Run {
        let may_run = !has_place || request.caller == owner().owner();
        assert!(may_run || has_status(Error::Refused), "a stranger's run is not refused");
        check_start(&response, started);
        check_run(session, &request, &digest, &sent, &response, body);
    } else {
        assert!(started == 0 && response.receipt.is_none(), "a verb other than run has a receipt");
    }
    let done = response.status == Status::DONE.number();
    check_objects(&request, &sent, response.status, done || started > 0);
    assert!(!done || may_succeed(&request, !session.claims.configuration.is_empty()), "a request is not refused");
    let offer = check_result(request.verb, &response, body)?;
    let claims = VaultClaims::parse(&offer.claims, TrustMode::Development).expect("the claims are valid");
    let offered = if request.verb == Verb::VaultCreate {
        VaultCreateParams::parse(&request.params).map(|params| (params.epoch, params.previous))
    } else {
        VaultAttestParams::parse(&request.params).map(|params| (params.epoch, params.previous))
    };
    assert_eq!(offered, Ok((claims.epoch, claims.previous)));
    assert_eq!((claims.owner, &claims.images[..]), (request.caller, &[IMAGE][..]));
    Some(Offer { offer, claims })
}

/// Asserts that a request that succeeded, or that a worker was started for, had the right key shares, and that it named
/// nothing of another image.
fn check_objects(request: &Request, sent: &[u8], status: u64, succeeded: bool) {
    let objects = sealed_objects(request, sent);
    let foreign = objects.iter().any(|key| FIXTURE.is_foreign(key));
    let foreign = foreign || image_of_record(request).is_some_and(|image| image != IMAGE);
    assert!(foreign || status != Status::of(Error::WrongImage).number(), "the enclave's image is the wrong one");
    if succeeded {
        assert!(!foreign, "an object or a record of another image is accepted");
        assert!(objects.iter().all(|key| request.key_shares.contains_key(key)), "a key share is missing");
    }
}

/// Returns what the request must seal or open to succeed. A new vault key is missing here, because the request that
/// confirms it looks like that which confirms a renewal.
fn sealed_objects(request: &Request, sent: &[u8]) -> Vec<StoreKey> {
    let (params, owner) = (&request.params, request.caller);
    match request.verb {
        Verb::Run => {
            let Ok(RunParams { owner, id, version, inputs, .. }) = RunParams::parse(params) else { return Vec::new() };
            let files = pieces(&inputs, sent).filter_map(|(input, piece)| {
                let (header, version) = (Ciphertext::parse(piece).ok()?.header, input.epoch?);
                let (owner, id) = (header.owner, header.kid.object_id());
                Some(StoreKey { kind: StoreKind::VaultKey, owner, id, version })
            });
            let function = StoreKey { kind: StoreKind::Function, owner, id, version };
            [function].into_iter().chain(files).collect()
        }
        Verb::Deploy => {
            let Ok(DeployParams { id, version, .. }) = DeployParams::parse(params) else { return Vec::new() };
            vec![StoreKey { kind: StoreKind::Function, owner, id, version }]
        }
        Verb::VaultAttest => {
            let Ok(VaultAttestParams { kid, epoch, .. }) = VaultAttestParams::parse(params) else { return Vec::new() };
            vec![StoreKey { kind: StoreKind::VaultKey, owner, id: kid.object_id(), version: epoch }]
        }
        _ => Vec::new(),
    }
}

/// Returns PCR0 in the record of the request, or `None` if there is no record that the caller signed.
fn image_of_record(request: &Request) -> Option<Pcr> {
    match request.verb {
        Verb::Deploy => {
            let record = DeployParams::parse(&request.params).ok()?.record;
            FunctionRecord::verify(&request.caller, &record).ok().map(|record| record.image)
        }
        Verb::VaultConfirm => {
            let record = VaultConfirmParams::parse(&request.params).ok()?.record;
            VaultRecord::verify(&request.caller, &record).ok().map(|record| record.image)
        }
        _ => None,
    }
}

/// Returns whether the caller may make this request. `listed` is whether there is a list of deployers.
fn may_succeed(request: &Request, listed: bool) -> bool {
    let deployer = !listed || request.caller == owner().owner();
    match request.verb {
        Verb::Deploy | Verb::VaultCreate => deployer,
        Verb::Policy => match PolicyParams::parse(&request.params) {
            Ok(PolicyParams::Configured) => listed,
            Ok(PolicyParams::Key(arn)) => deployer || arn == fuzz_kms::arn(),
            Ok(PolicyParams::Statement(signer, _)) => signer == owner().owner(),
            Err(_) => false,
        },
        _ => true,
    }
}

/// Returns the inputs of a run, each with its piece of the body. The body may be too short for the last ones.
fn pieces<'a>(inputs: &'a [RunInput], mut sent: &'a [u8]) -> impl Iterator<Item = (&'a RunInput, &'a [u8])> {
    inputs.iter().map_while(move |input| {
        let (piece, rest) = sent.split_at_checked(usize::try_from(input.length).ok()?)?;
        sent = rest;
        Some((input, piece))
    })
}

/// Asserts that the result has the form of its verb and status. Returns the vault key that it offers.
fn check_result(verb: Verb, response: &Response, body: &[u8]) -> Option<VaultOffer> {
    let result = &response.result;
    assert!(response.body.is_none() || matches!(verb, Verb::Run | Verb::List | Verb::Policy));
    if verb == Verb::Run || response.status != Status::DONE.number() {
        let RunResult { value, stderr } = RunResult::parse(result).expect("the result is that of a run or a failure");
        let status = Status::error(response.status, value).map_or(Status::DONE, Status::of);
        assert_eq!((status.number(), status.value()), (response.status, value));
        assert!(stderr.is_none() || verb == Verb::Run);
        return None;
    }
    match verb {
        Verb::List => {
            parse_list(body).expect("the body is a list");
            assert_eq!(**result, empty_map());
        }
        Verb::Statement => drop(StatementResult::parse(result).expect("the result is a statement")),
        Verb::Policy => {
            let PolicyTexts { policy, metadata } = PolicyTexts::parse(body).expect("the body is policy texts");
            assert!(policy.is_none_or(|policy| policy == fuzz_kms::POLICY));
            assert!(metadata.is_none_or(|metadata| KeyMetadata::parse(&metadata).is_ok()));
            assert_eq!(**result, empty_map());
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
        0 | 17..=24 | 39 => assert_eq!(started, 1, "a status that means that a run was started"),
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
    let file_salt = |(i, input): (u32, &RunInput)| input.epoch.map(|_| session.secrets.ciphertext_salt(request.n, i));
    let bundle = ReceiptBundle {
        document: vec![0],
        claims: session.claims_bytes.clone(),
        receipt: receipt.clone(),
        salts: (0..=params.inputs.len() as u32).map(salt).collect(),
        ciphertext_salts: (1..).zip(&params.inputs).map(file_salt).collect(),
    };
    let receipt = bundle.verify_signature(&session.claims).expect("the receipt is signed by the key in the claims");
    let RunParams { owner, id, version, checksum, inputs } = params;
    assert_eq!((receipt.request, receipt.status.number()), (*digest, response.status));
    assert_eq!(receipt.function, ReceiptFunction { owner, id, version, checksum });
    assert!(id != FUNCTION_ID || checksum == FIXTURE.checksum);
    assert_eq!((receipt.caller, receipt.verb), (request.caller, Verb::Run));
    check_inputs(&bundle, &receipt, &inputs, sent);
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

/// Asserts that the receipt commits to every input that came as plaintext, and to every encrypted file.
fn check_inputs(bundle: &ReceiptBundle, receipt: &Receipt, inputs: &[RunInput], sent: &[u8]) {
    let mut data = vec![None];
    for (i, (input, piece)) in pieces(inputs, sent).enumerate() {
        let encrypted = input.epoch.is_some();
        data.push((!encrypted).then_some(piece));
        let fits = bundle.check_ciphertext(receipt, i, piece).is_ok();
        assert_eq!(fits, encrypted, "only an encrypted file has a commitment, which fits it");
    }
    assert_eq!(data.len(), inputs.len() + 1);
    bundle.check_data(receipt, &data).expect("the commitments fit the inputs");
}
