//! A request before it is numbered and signed, and the response to it after it is received.

use enclave_core::messages::{BodyDigest, KeyShares, Params, Response, RunResult, Status, Verb};
use enclave_core::parent::StoreKey;
use enclave_core::{Deadline, Error, KeyShare, RequestDigest, RequestId, Salt};

/// A request before it is numbered and signed. Tests change its fields to make invalid requests.
pub struct RequestSpec {
    /// The verb.
    pub verb: Verb,
    /// The verb's parameters, encoded.
    pub params: Vec<u8>,
    /// The key shares.
    pub key_shares: KeyShares,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// What the head says of the body; `None` for the truth.
    pub announced: Option<BodyDigest>,
    /// The id; `None` for a random one.
    pub id: Option<RequestId>,
    /// The deadline; `None` for five minutes from now.
    pub not_after: Option<Deadline>,
    /// How much time passes after the first chunk, in milliseconds.
    pub pause: u64,
}

impl RequestSpec {
    /// A request without key shares and body.
    pub fn new<P: Params>(params: &P) -> Self {
        Self {
            verb: P::VERB,
            params: params.encode(),
            key_shares: KeyShares::new(),
            body: None,
            announced: None,
            id: None,
            not_after: None,
            pause: 0,
        }
    }

    /// With one more key share.
    pub fn with_key_share(mut self, key: StoreKey, share: KeyShare) -> Self {
        self.key_shares.insert(key, share);
        self
    }

    /// With this body.
    pub fn with_body(self, body: Vec<u8>) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// A response whose body was compared with its head.
pub struct ReceivedResponse {
    /// The head.
    pub response: Response,
    /// The body.
    pub body: Vec<u8>,
    /// The request's digest.
    pub request: RequestDigest,
    /// The salts of the pair: the output's, then each input's.
    pub salts: Vec<Salt>,
    /// The salts of the commitments to the encrypted files, one for each input.
    pub ciphertext_salts: Vec<Salt>,
}

impl ReceivedResponse {
    /// The response, if the request is done.
    ///
    /// # Errors
    /// The error that the status stands for.
    pub fn ok(self) -> Result<Self, Error> {
        let number = self.response.status;
        if number == Status::DONE.number() {
            return Ok(self);
        }
        let value = RunResult::parse(&self.response.result)?.value;
        Err(Status::error(number, value).expect("0 is the only number without an error"))
    }
}
