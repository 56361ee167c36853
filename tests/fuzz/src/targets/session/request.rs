//! Requests of the script: verb, flags, and the parts parameters and body ([`next_part`]).
//!
//! With the flag [`VALID_PARAMS`], the client encodes the parameters, and the part only chooses among valid ones
//! ([`ScriptedRequest::valid_params`]). Otherwise the part is the parameters. The fuzzer cannot compute a digest and
//! cannot sign. Therefore marks in that part stand for such values, and the client replaces them
//! ([`ScriptedRequest::replace_marks`]). `corpus.py` writes the same flags and marks.

use super::fixture::{
    FIXTURE, FOREIGN_IMAGE, FOREIGN_VERSION, FUNCTION_ID, VERSION, encrypt, function_key, function_record, key_share,
    vault_object_key, vault_record,
};
use super::response::Offer;
use crate::identities::{NOBODY, owner};
use crate::kms as fuzz_kms;
use crate::platform::{IMAGE, NOW};
use crate::script::next_part;
use enclave_core::crypto::sha384;
use enclave_core::encoding::Writer;
use enclave_core::identity::Identity;
use enclave_core::messages::{
    BodyDigest, DeleteParams, DeployParams, KeyShares, ListParams, Params as _, PolicyParams, Request, RunInput,
    RunParams, StatementParams, VaultAttestParams, VaultConfirmParams, VaultCreateParams, Verb,
};
use enclave_core::objects::MAX_INPUTS;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Checksum, Deadline, Kid, Nonce, ObjectId, RequestId};

/// The id of the function that a script may deploy.
const DEPLOYED_ID: ObjectId = ObjectId::new([7; 16]);
/// The most inputs in front of the last one, so that a run may have one too many.
const MAX_CUTS: usize = MAX_INPUTS as usize;
/// The epoch of a vault key that a script may make.
const NEW_EPOCH: u64 = 2;

/// The body is encrypted to the owner's vault. For a run with valid parameters, it is one file per input.
const ENCRYPTED: u8 = 1;
/// The request lacks the key shares of the objects that exist or may be made.
const NO_KEY_SHARES: u8 = 2;
/// The request has no body.
const NO_BODY: u8 = 4;
/// The request announces a body of another length.
const WRONG_LENGTH: u8 = 8;
/// The parameters are valid.
const VALID_PARAMS: u8 = 16;
/// The request has the same key shares for other objects with the same ids.
const OTHER_KEY_SHARES: u8 = 32;
/// The record names another image. Valid parameters name what another image sealed.
const FOREIGN: u8 = 64;

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
        let pieces = self.pieces();
        let body = pieces.concat();
        let mut announced = (!self.has(NO_BODY)).then(|| BodyDigest::of(&body));
        if let Some(announced) = announced.as_mut().filter(|_| self.has(WRONG_LENGTH)) {
            announced.length ^= 1;
        }
        let params =
            if self.has(VALID_PARAMS) { self.valid_params(&pieces, offer) } else { self.replace_marks(&body, offer) };
        let request = Request {
            n,
            verb: self.verb,
            id: RequestId::new([n as u8; 16]),
            not_after: Deadline::new(NOW.plus(1000)),
            caller: caller.owner(),
            params,
            key_shares: self.key_shares(offer),
            body: announced,
        };
        (request, if self.has(NO_BODY) { Vec::new() } else { body })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns the key shares of every object that exists or may be made, and of others with the same ids.
    fn key_shares(&self, offer: Option<&Offer>) -> KeyShares {
        let kid = FIXTURE.kid;
        let mut keys = vec![function_key(DEPLOYED_ID, VERSION)];
        for version in [VERSION, FOREIGN_VERSION] {
            keys.extend([function_key(FUNCTION_ID, version), vault_object_key(kid, version)]);
        }
        if let Some(Offer { claims, .. }) = offer {
            keys.push(StoreKey { owner: claims.owner, ..vault_object_key(claims.kid, claims.epoch) });
        }
        let others = keys.iter().flat_map(|key| {
            let is_function = key.kind == StoreKind::Function;
            let kind = if is_function { StoreKind::VaultKey } else { StoreKind::Function };
            let version = key.version.wrapping_add(100);
            [StoreKey { kind, ..*key }, StoreKey { owner: NOBODY, ..*key }, StoreKey { version, ..*key }]
        });
        let others: Vec<_> = others.filter(|_| self.has(OTHER_KEY_SHARES)).collect();
        let keys = keys.into_iter().filter(|_| !self.has(NO_KEY_SHARES));
        keys.chain(others).map(|key| (key, key_share())).collect()
    }

    /// Returns the pieces of the body: the inputs of a run with valid parameters, otherwise one.
    fn pieces(&self) -> Vec<Vec<u8>> {
        let cuts = if self.verb == Verb::Run && self.has(VALID_PARAMS) { MAX_CUTS } else { 0 };
        let mut rest = self.body;
        let mut pieces = Vec::new();
        for length in self.params.iter().take(cuts) {
            let (piece, after) = rest.split_at(rest.len().min(usize::from(*length)));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let sent = |(number, piece)| if self.has(ENCRYPTED) { encrypt(piece, number) } else { piece.to_vec() };
        (0..).zip(pieces).map(sent).collect()
    }

    /// Encodes parameters that the owner may use. The parameters part chooses: for a run, each byte is the length of an
    /// input in front of the last one; for other verbs, the first byte selects the object.
    fn valid_params(&self, pieces: &[Vec<u8>], offer: Option<&Offer>) -> Vec<u8> {
        let body = &pieces.concat();
        let choice = usize::from(self.params.first().copied().unwrap_or_default());
        let (owner, key, nonce) = (owner().owner(), FIXTURE.key.clone(), Nonce::new([0; 32]));
        let (kid, record) = (FIXTURE.kid, self.record(body, offer));
        let offered = offer.map_or(kid, |offer| offer.claims.kid);
        let version = if self.has(FOREIGN) { FOREIGN_VERSION } else { VERSION };
        match self.verb {
            Verb::Deploy => {
                let (id, checksum) = (DEPLOYED_ID, Checksum::of(body));
                DeployParams { id, version: VERSION, checksum, key, record }.encode()
            }
            Verb::Run => {
                let (id, checksum) = (FUNCTION_ID, FIXTURE.checksum);
                let epoch = self.has(ENCRYPTED).then_some(version);
                let inputs = pieces.iter().map(|piece| RunInput { length: piece.len() as u64, epoch }).collect();
                // With encrypted inputs, the flag is about the vault key alone.
                let version = if self.has(ENCRYPTED) { VERSION } else { version };
                RunParams { owner, id, version, checksum, inputs }.encode()
            }
            Verb::List => ListParams { kind: [StoreKind::Function, StoreKind::VaultKey][choice % 2] }.encode(),
            Verb::Delete => {
                let keys = [function_key(FUNCTION_ID, version), vault_object_key(kid, version)];
                let StoreKey { kind, id, version, .. } =
                    [keys[0], keys[1], StoreKey::statement(owner, version)][choice % 3];
                DeleteParams { kind, id, version }.encode()
            }
            Verb::Statement => {
                let owner = if choice % 4 == 3 { NOBODY } else { owner };
                StatementParams { owner, kid: [None, Some(kid), Some(offered), None][choice % 4] }.encode()
            }
            Verb::VaultCreate => VaultCreateParams { epoch: NEW_EPOCH, nonce, previous: Some(kid), key }.encode(),
            Verb::VaultConfirm => VaultConfirmParams { record }.encode(),
            Verb::VaultAttest => {
                VaultAttestParams { kid, epoch: version, nonce, previous: [None, Some(offered)][choice % 2] }.encode()
            }
            Verb::Policy => {
                let params = match choice % 6 {
                    0 => PolicyParams::Configured,
                    1 => PolicyParams::Key(fuzz_kms::arn()),
                    2 => PolicyParams::Key(fuzz_kms::missing_arn()),
                    3 => PolicyParams::Statement(owner, VERSION),
                    4 => PolicyParams::Statement(owner, NEW_EPOCH),
                    _ => PolicyParams::Statement(NOBODY, VERSION),
                };
                params.encode()
            }
        }
    }

    /// Returns the record that the owner signs for this verb: of the vault key that is offered, or of the function that
    /// is the body.
    fn record(&self, body: &[u8], offer: Option<&Offer>) -> Vec<u8> {
        let image = if self.has(FOREIGN) { FOREIGN_IMAGE } else { IMAGE };
        match offer {
            Some(Offer { offer, claims }) if self.verb == Verb::VaultConfirm => {
                vault_record(claims.epoch, claims.kid, &offer.document, &offer.claims, image)
            }
            _ => function_record(DEPLOYED_ID, VERSION, Checksum::of(body), image),
        }
    }

    /// Replaces the first occurrence of every mark in the parameters.
    fn replace_marks(&self, body: &[u8], offer: Option<&Offer>) -> Vec<u8> {
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
            (b"\x66record", self.record(body, offer)),
            (b"\x66length", length.finish()),
        ];
        let mut filled = self.params.to_vec();
        for (mark, value) in marks {
            if let Some(at) = filled.windows(mark.len()).position(|window| window == mark) {
                filled.splice(at..at + mark.len(), value);
            }
        }
        filled
    }
}
