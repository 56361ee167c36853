//! Requests of the script: verb, flags, and the parts parameters and body ([`next_part`]).
//!
//! With the flag [`VALID_PARAMS`], the client encodes the parameters, and the part only chooses among valid ones
//! ([`valid_params`]). Otherwise the part is the parameters. The fuzzer cannot compute a digest and cannot sign.
//! Therefore marks in that part stand for such values, and the client replaces them ([`replace_marks`]). `corpus.py`
//! writes the same flags and marks.

use super::fixture::{FIXTURE, FUNCTION_ID, encrypt, function_record, key_share, vault_record};
use super::response::Offer;
use crate::identities::owner;
use crate::kms as fuzz_kms;
use crate::platform::NOW;
use crate::script::next_part;
use enclave_core::crypto::sha384;
use enclave_core::encoding::Writer;
use enclave_core::identity::Identity;
use enclave_core::messages::{
    BodyDigest, DeleteParams, DeployParams, KeyShares, ListParams, Params as _, PolicyParams, Request, RunInput,
    RunParams, StatementParams, VaultAttestParams, VaultConfirmParams, VaultCreateParams, Verb,
};
use enclave_core::parent::StoreKind;
use enclave_core::{Checksum, Deadline, Kid, Nonce, ObjectId, RequestId};

/// The id of the function that a script may deploy.
const DEPLOYED_ID: ObjectId = ObjectId::new([7; 16]);

/// The body is encrypted to the owner's vault.
const ENCRYPTED: u8 = 1;
/// The request has no key shares.
const NO_KEY_SHARES: u8 = 2;
/// The request has no body.
const NO_BODY: u8 = 4;
/// The request announces a body of another length.
const WRONG_LENGTH: u8 = 8;
/// The parameters are valid.
const VALID_PARAMS: u8 = 16;

const VERBS: [Verb; 9] = [
    Verb::Deploy,
    Verb::Run,
    Verb::List,
    Verb::Delete,
    Verb::Statement,
    Verb::VaultCreate,
    Verb::VaultConfirm,
    Verb::VaultAttest,
    Verb::Policy,
];

/// One request of the script.
pub struct ScriptedRequest<'a> {
    verb: Verb,
    flags: u8,
    params: &'a [u8],
    body: &'a [u8],
}

impl<'a> ScriptedRequest<'a> {
    /// Removes the next request from the script. A part that is missing is empty.
    pub fn next(script: &mut &'a [u8]) -> Option<Self> {
        let (&[verb, flags], rest) = script.split_first_chunk()?;
        *script = rest;
        let verb = VERBS[usize::from(verb) % VERBS.len()];
        let params = next_part(script).unwrap_or_default();
        Some(Self { verb, flags, params, body: next_part(script).unwrap_or_default() })
    }

    /// Returns the request with number `n`, and the body to send behind it.
    pub fn into_request(self, n: u64, caller: &Identity, offer: Option<&Offer>) -> (Request, Vec<u8>) {
        let body = if self.has(ENCRYPTED) { encrypt(self.body) } else { self.body.to_vec() };
        let mut announced = (!self.has(NO_BODY)).then(|| BodyDigest::of(&body));
        if let Some(announced) = announced.as_mut().filter(|_| self.has(WRONG_LENGTH)) {
            announced.length ^= 1;
        }
        let params = if self.has(VALID_PARAMS) {
            self.valid_params(&body, offer)
        } else {
            replace_marks(self.params, self.verb, &body, offer)
        };
        let request = Request {
            n,
            verb: self.verb,
            id: RequestId::new([n as u8; 16]),
            not_after: Deadline::new(NOW.plus(1000)),
            caller: caller.owner(),
            params,
            key_shares: if self.has(NO_KEY_SHARES) { KeyShares::new() } else { key_shares(offer) },
            body: announced,
        };
        (request, if self.has(NO_BODY) { Vec::new() } else { body })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Encodes parameters that the owner may use. The parameters part chooses: for a run, each byte is the length of an
    /// input in front of the last one; for other verbs, the first byte selects the object.
    fn valid_params(&self, body: &[u8], offer: Option<&Offer>) -> Vec<u8> {
        let choice = usize::from(self.params.first().copied().unwrap_or_default());
        let (owner, key, nonce) = (owner().owner(), FIXTURE.key.clone(), Nonce::new([0; 32]));
        let offered = offer.map_or(FIXTURE.kid, |offer| offer.claims.kid);
        match self.verb {
            Verb::Deploy => {
                let (id, checksum) = (DEPLOYED_ID, Checksum::of(body));
                DeployParams { id, version: 1, checksum, key, record: function_record(id, checksum) }.encode()
            }
            Verb::Run => {
                let (id, checksum, inputs) = (FUNCTION_ID, FIXTURE.checksum, self.inputs(body.len() as u64));
                RunParams { owner, id, version: 1, checksum, inputs }.encode()
            }
            Verb::List => ListParams { kind: [StoreKind::Function, StoreKind::VaultKey][choice % 2] }.encode(),
            Verb::Delete => {
                let vault_key = (StoreKind::VaultKey, FIXTURE.kid.object_id());
                let (kind, id) = [(StoreKind::Function, FUNCTION_ID), vault_key][choice % 2];
                DeleteParams { kind, id, version: 1 }.encode()
            }
            Verb::Statement => {
                StatementParams { owner, kid: [None, Some(FIXTURE.kid), Some(offered)][choice % 3] }.encode()
            }
            Verb::VaultCreate => VaultCreateParams { epoch: 2, nonce, previous: Some(FIXTURE.kid), key }.encode(),
            Verb::VaultConfirm => VaultConfirmParams { record: record(self.verb, body, offer) }.encode(),
            Verb::VaultAttest => VaultAttestParams { kid: FIXTURE.kid, epoch: 1, nonce }.encode(),
            Verb::Policy => PolicyParams { arn: [None, Some(fuzz_kms::arn())][choice % 2].clone() }.encode(),
        }
    }

    /// Returns the inputs of a run, which cover a body of `length` bytes unless those in front are longer.
    fn inputs(&self, length: u64) -> Vec<RunInput> {
        let epoch = self.has(ENCRYPTED).then_some(1);
        let front = self.params.iter().map(|length| u64::from(*length));
        let last = length.saturating_sub(front.clone().sum());
        front.chain([last]).map(|length| RunInput { length, epoch }).collect()
    }
}

/// Returns the key shares of every object that exists or may be made.
fn key_shares(offer: Option<&Offer>) -> KeyShares {
    let offered = offer.map(|offer| offer.claims.kid.object_id());
    let ids = [FUNCTION_ID, DEPLOYED_ID, FIXTURE.kid.object_id()].into_iter().chain(offered);
    ids.map(|id| (id, key_share())).collect()
}

/// Returns the record that the owner signs for this verb: of the vault key that is offered, or of the function that is
/// the body.
fn record(verb: Verb, body: &[u8], offer: Option<&Offer>) -> Vec<u8> {
    match offer {
        Some(Offer { offer, claims }) if verb == Verb::VaultConfirm => {
            vault_record(claims.epoch, claims.kid, &offer.document, &offer.claims)
        }
        _ => function_record(DEPLOYED_ID, Checksum::of(body)),
    }
}

/// Replaces the first occurrence of every mark in the parameters.
fn replace_marks(params: &[u8], verb: Verb, body: &[u8], offer: Option<&Offer>) -> Vec<u8> {
    let mut length = Writer::new();
    length.uint(body.len() as u64);
    let metadata = FIXTURE.key.metadata.expect("the metadata was read");
    let marks: [(&[u8], Vec<u8>); 9] = [
        (&[0xa1; 32], owner().owner().as_bytes().to_vec()),
        (&[0xa2; 32], FIXTURE.checksum.as_bytes().to_vec()),
        (&[0xa3; 32], FIXTURE.kid.as_bytes().to_vec()),
        (&[0xa4; 48], sha384(&[fuzz_kms::POLICY.as_bytes()]).to_vec()),
        (&[0xa5; 48], metadata.to_vec()),
        (&[0xa6; 32], Checksum::of(body).as_bytes().to_vec()),
        (&[0xa7; 32], offer.map_or(Kid::new([0; 32]), |offer| offer.claims.kid).as_bytes().to_vec()),
        // The next two are CBOR text strings, which an encoded item replaces.
        (b"\x66record", record(verb, body, offer)),
        (b"\x66length", length.finish()),
    ];
    let mut filled = params.to_vec();
    for (mark, value) in marks {
        if let Some(at) = filled.windows(mark.len()).position(|window| window == mark) {
            filled.splice(at..at + mark.len(), value);
        }
    }
    filled
}
