//! An attested session with an enclave.
//!
//! A [`Session`] exists only after the enclave's document was verified against the pins of its address. Requests are
//! encrypted to the key that this document attests, so that only this enclave can read them.

use crate::Crypto;
use crate::activity::{Activity, Observer};
use crate::clock;
use crate::error::Error;
use crate::home::trust::TrustEntry;
use crate::random;
use crate::root_id::RootId;
use crate::transport::Tls;
use crate::url::Url;
use crate::wrong_image::WrongImage;
use enclave_core::attestation::{
    AttestationFacts, EXPORTER_LABEL, Expected, Freshness, Pins, Root, SUITE, SessionClaims, SessionPurpose, TrustMode,
    Verified, verify,
};
use enclave_core::crypto::{COMMITMENT_LEN, FrameReader, RunningSha256, Secret, sha384};
use enclave_core::encoding::{MAX_FRAME, append_frame, read_frame, write_frame};
use enclave_core::identity::Identity;
use enclave_core::messages::{
    BodyDigest, Hello, KeyShares, Params, Request, Response, RunResult, SessionSecrets, Status, Verb, check_body,
    check_session_claims, parse_evidence, split_head,
};
use enclave_core::parent::StoreKey;
use enclave_core::session::send_message;
use enclave_core::{
    Configuration, Deadline, Error as CoreError, KeyShare, Limits, MessageKind, Nonce, Pcr, RequestDigest, RequestId,
    Salt, UnixMillis,
};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The time limit for the enclave's attestation. The enclave may have to query KMS first.
const ATTEST: Duration = Duration::from_secs(30);
/// The time limit for the transfer of a message beside that for its bytes.
const GRACE: Duration = Duration::from_secs(30);
/// The lowest speed of a transfer, in bytes per second. The enclave requires the same.
const LOWEST_SPEED: u64 = 64 << 10;
/// The greatest time limit for the transfer of a message.
const MAX_TRANSFER: Duration = Duration::from_secs(600);
/// The time limit until an answer begins, beside that of a run. It covers KMS, the store, and the wait for a worker.
const ANSWER: Duration = Duration::from_secs(120);
/// How long a request stays valid after it was sent, in milliseconds.
const VALIDITY: u64 = Deadline::MAX_AHEAD / 2;

/// A session with a verified enclave.
pub struct Session {
    channel: Tls,
    url: Url,
    root: Root,
    pins: Pins,
    secrets: SessionSecrets,
    evidence: Evidence,
    verified: Verified<SessionPurpose>,
    image: Pcr,
    begun: Instant,
}

/// The evidence that the enclave sent, as bytes and parsed.
pub struct Evidence {
    /// The attestation document.
    pub document: Vec<u8>,
    /// The claims, as received.
    pub claims_bytes: Vec<u8>,
    /// The parsed claims.
    pub claims: SessionClaims,
    /// The configuration; `None` only under a development root.
    pub configuration: Option<Configuration>,
}

/// A request, before it has a number, an id and a signature.
///
/// Its verb and its parameters come from one value, so that no verb is sent with the parameters of another one.
pub struct RequestSpec<'a> {
    verb: Verb,
    params: Vec<u8>,
    key_shares: KeyShares,
    body: Option<&'a [u8]>,
}

impl<'a> RequestSpec<'a> {
    /// A request with these parameters, without key shares and without a body.
    pub fn new<P: Params>(params: &P) -> Self {
        Self { verb: P::VERB, params: params.encode(), key_shares: KeyShares::new(), body: None }
    }

    /// Adds the owner's key shares for the objects that the verb opens or seals.
    pub fn with_key_shares(self, key_shares: KeyShares) -> Self {
        Self { key_shares, ..self }
    }

    /// Adds the body, which the verb defines.
    pub fn with_body(self, body: &'a [u8]) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// A request that was sent, and whose response was not yet received.
pub struct SentRequest {
    /// The request's number in this session. The salts of its receipt are derived from it.
    pub n: u64,
    id: RequestId,
    digest: RequestDigest,
    response: Secret,
}

/// The enclave's response to a request, received completely.
pub struct ReceivedResponse {
    /// The number of a [`Status`].
    pub status: u64,
    /// The error that the status stands for; `None` if the request succeeded.
    pub failed: Option<CoreError>,
    /// The verb's result, encoded.
    pub result: Zeroizing<Vec<u8>>,
    /// The signed receipt, if the verb makes one.
    pub receipt: Option<Vec<u8>>,
    /// The body: an output, a list or the texts of a KMS key.
    pub body: Zeroizing<Vec<u8>>,
    /// The request's number in this session. The salts of its receipt are derived from it.
    pub n: u64,
    /// The request's id.
    pub id: RequestId,
    /// The request's digest.
    pub request: RequestDigest,
}

impl Session {
    /// Connects and verifies the enclave against `entry`. No secret is sent before the verification has succeeded.
    ///
    /// # Errors
    /// [`Error::Connection`]; [`Error::NotLocal`] for a development root on another machine; [`Error::Local`] if the
    /// enclave does not prove that it runs a pinned image, or that it is the other side of this connection.
    pub fn connect(url: &Url, entry: &TrustEntry) -> Result<Self, Error> {
        Self::connect_to(url, |_| Ok(entry.clone()))
    }

    /// Like [`Session::connect`], but `choose` makes the trust entry from the document, which is not verified yet. Only
    /// trust on first use needs this.
    ///
    /// # Errors
    /// Those of `choose`; as [`Session::connect`].
    pub fn connect_to(url: &Url, choose: impl FnOnce(&[u8]) -> Result<TrustEntry, Error>) -> Result<Self, Error> {
        let mut channel = Tls::connect(url)?;
        channel.allow(ATTEST);
        let nonce = Nonce::new(random::bytes()?);
        let hello = Hello { nonce, suites: vec![SUITE] }.encode();
        let exporter = channel.export(EXPORTER_LABEL, &sha384(&[&hello]));
        let not_sent = |error| connection_error(url, error, false);
        let exporter = Zeroizing::new(exporter.map_err(|error| not_sent(CoreError::Transport(error)))?);
        let evidence = (|| {
            write_frame(&mut channel, &hello)?;
            read_frame(&mut channel, MAX_FRAME)
        })();
        let evidence = evidence.map_err(not_sent)?;
        let (document, claims_bytes) = parse_evidence(&evidence)?;

        let entry = choose(document)?;
        let root = entry.root()?;
        if root.is_development() && !channel.is_local() {
            return Err(Error::NotLocal(url.to_string()));
        }
        let mode = trust_mode(&root);
        let claims = SessionClaims::parse(claims_bytes, mode)?;
        let pins = entry.pins()?;
        let freshness = Freshness::Nonce { nonce, now: clock::now() };
        let expected = Expected::new(&root, &pins, freshness, claims_bytes, &claims.configuration);
        let verified = verify::<Crypto, SessionPurpose>(document, &expected)?;
        let image = *verified.facts().pcrs.get(&0).ok_or(CoreError::PcrMismatch(0))?;
        let claims = check_session_claims(&hello, &exporter, claims_bytes, mode)?;
        let configuration = Some(&claims.configuration).filter(|bytes| !bytes.is_empty());
        let configuration = configuration.map(|bytes| Configuration::parse(bytes)).transpose()?;

        let mut entropy = Zeroizing::new([0; 64]);
        random::fill(entropy.as_mut_slice())?;
        let (enc, secrets) = SessionSecrets::client(&entropy, &claims.kem_public, claims_bytes)?;
        write_frame(&mut channel, &enc).map_err(not_sent)?;
        let (document, claims_bytes) = (document.to_vec(), claims_bytes.to_vec());
        let evidence = Evidence { document, claims_bytes, claims, configuration };
        let (url, begun) = (url.clone(), Instant::now());
        Ok(Self { channel, url, root, pins, secrets, evidence, verified, image, begun })
    }

    /// Calls `observer` with what the session is doing from now on.
    pub fn observe(&mut self, observer: Observer) {
        self.channel.observe(observer);
    }

    /// The facts that the attestation document proved.
    pub fn facts(&self) -> &AttestationFacts {
        self.verified.facts()
    }

    /// PCR0 of the enclave's image, from the verified document.
    pub fn image(&self) -> &Pcr {
        &self.image
    }

    /// The evidence that the enclave sent.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The enclave's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The root certificate under which the enclave was verified.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The images that are pinned for the address.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Whether the root is Amazon's or a development root. Under a development root, claims may leave out more.
    pub fn trust_mode(&self) -> TrustMode {
        trust_mode(&self.root)
    }

    /// The name of the root certificate in the catalogue.
    pub fn root_id(&self) -> RootId {
        RootId::of(&self.root)
    }

    /// Whether the root is a development root.
    pub fn development(&self) -> bool {
        self.root.is_development()
    }

    /// The limits of this enclave.
    pub fn limits(&self) -> Limits {
        self.evidence.configuration.as_ref().map_or(Limits::MAXIMA, |configuration| configuration.limits.effective())
    }

    /// The owner's key share for an object, which opens only with it and KMS's data key. It belongs to the session's root
    /// and image, both from the verified document.
    ///
    /// `sealed_by` is the image that sealed the object, as the catalogue records it. For a new object it is
    /// [`Session::image`].
    ///
    /// # Errors
    /// [`Error::WrongImage`] if another image sealed the object.
    pub fn key_share(&self, identity: &Identity, object: &StoreKey, sealed_by: &Pcr) -> Result<KeyShare, Error> {
        WrongImage::check(object, sealed_by, &self.image)?;
        Ok(identity.key_share(self.root.der(), &self.image, object))
    }

    /// The same, as a request takes it that needs no other key share.
    ///
    /// # Errors
    /// As [`Session::key_share`].
    pub fn key_shares(&self, identity: &Identity, object: &StoreKey, sealed_by: &Pcr) -> Result<KeyShares, Error> {
        Ok(KeyShares::from([(*object, self.key_share(identity, object, sealed_by)?)]))
    }

    /// The enclave's present time: the time of its document plus the time since.
    pub fn now(&self) -> UnixMillis {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.facts().timestamp.plus(since)
    }

    /// The salt of commitment `i` in the receipt of request `n`. Commitment 0 is the output, 1 is the first input.
    pub fn salt(&self, n: u64, i: u32) -> Salt {
        self.secrets.salt(n, i)
    }

    /// The salt of the commitment to the encrypted file of input `i`, from 1, in the receipt of request `n`.
    pub fn ciphertext_salt(&self, n: u64, i: u32) -> Salt {
        self.secrets.ciphertext_salt(n, i)
    }

    /// Sends a request and waits for the response. The response's status may be a failure.
    ///
    /// A request is sent once and never repeated. If the connection breaks, the enclave may have carried it out.
    ///
    /// # Errors
    /// [`Error::Connection`]; [`Error::Local`] for an invalid response, or one to another request; those of
    /// [`random::bytes`].
    pub fn send(&mut self, identity: &Identity, spec: RequestSpec<'_>) -> Result<ReceivedResponse, Error> {
        let sent = self.begin(identity, spec)?;
        self.receive(sent)
    }

    /// Sends a request. [`Session::receive`] must be called next. The caller can free the body between the two.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn begin(&mut self, identity: &Identity, spec: RequestSpec<'_>) -> Result<SentRequest, Error> {
        let run = if spec.verb == Verb::Run { Duration::from_millis(self.limits().run) } else { Duration::ZERO };
        let answer = ANSWER + run;
        let pair = self.secrets.next_pair()?;
        let id = RequestId::new(random::bytes()?);
        let request = Request {
            n: pair.n,
            verb: spec.verb,
            id,
            not_after: Deadline::new(self.now().plus(VALIDITY)),
            caller: identity.owner(),
            params: spec.params,
            key_shares: spec.key_shares,
            body: spec.body.map(BodyDigest::of),
        };
        let claims_digest = *self.secrets.claims_digest();
        let (head, request_digest) = request.sign(identity, &claims_digest)?;
        drop(request);
        let body = spec.body.unwrap_or_default();
        let url = &self.url;
        let sent = |error| connection_error(url, error, true);
        let length = (head.len() + body.len()) as u64;
        self.channel.allow(transfer(length));
        self.channel.notify(Activity::Sending(length));
        send_message::<Crypto>(&mut self.channel, pair.request, claims_digest.as_bytes(), &head, body).map_err(sent)?;
        self.channel.allow(answer);
        self.channel.notify(Activity::Waiting);
        Ok(SentRequest { n: pair.n, id, digest: request_digest, response: pair.response })
    }

    /// Waits for the response to the request that was sent last.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn receive(&mut self, request: SentRequest) -> Result<ReceivedResponse, Error> {
        let SentRequest { n, id, digest, response: secret } = request;
        let url = &self.url;
        let sent = |error| connection_error(url, error, true);
        let commitment = read_frame(&mut self.channel, COMMITMENT_LEN).map_err(sent)?;
        let mut reader = FrameReader::<Crypto>::new(secret, digest.as_bytes(), &commitment)?;
        let first = read_frame(&mut self.channel, MAX_FRAME).map_err(sent)?;
        let first = reader.chunk(first)?;
        let (head, begun) = split_head(&first, MessageKind::Response)?;
        let response = Response::parse(head, n, &digest)?;
        let length = response.body.map_or(0, |body| body.length);
        self.channel.allow(transfer(length));
        self.channel.notify(Activity::Receiving(length));
        let body = receive_body(&mut self.channel, url, &mut reader, response.body, begun)?;
        self.channel.notify(Activity::Done);
        let Response { status, result, receipt, .. } = response;
        // The result of a request that failed has one form, whatever its verb. The result of another one is its verb's.
        let value = if status == Status::DONE.number() { None } else { RunResult::parse(&result)?.value };
        let failed = Status::error(status, value);
        Ok(ReceivedResponse { status, failed, result, receipt, body, n, id, request: digest })
    }

    /// Like [`Session::send`], but a status other than success is an error.
    ///
    /// # Errors
    /// [`Error::Answered`] for another status; as [`Session::send`].
    pub fn send_expect_ok(&mut self, identity: &Identity, spec: RequestSpec<'_>) -> Result<ReceivedResponse, Error> {
        let response = self.send(identity, spec)?;
        match response.failed {
            Some(error) => Err(Error::Answered(error)),
            None => Ok(response),
        }
    }
}

/// Receives the rest of a response's body. The body must match the length and the digest in the response's head.
fn receive_body(
    channel: &mut Tls,
    url: &Url,
    reader: &mut FrameReader<Crypto>,
    announced: Option<BodyDigest>,
    begun: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    /// The longest body that an enclave sends, in bytes.
    const MAX_BODY: u64 = Limits::MAXIMA.output;
    let length = announced.map_or(0, |announced| announced.length);
    let length = usize::try_from(length).ok().filter(|_| length <= MAX_BODY);
    let length = length.ok_or(CoreError::TooLarge(MessageKind::Response))?;
    // The vector is allocated once, with room for an oversized last frame. A vector that grows would leave copies of
    // the plaintext in freed memory.
    let mut body = Zeroizing::new(Vec::with_capacity(length + MAX_FRAME));
    body.extend_from_slice(begun);
    let mut hash = RunningSha256::default();
    hash.update(begun);
    while body.len() <= length && !reader.ended() {
        let start = body.len();
        append_frame(channel, &mut body, MAX_FRAME).map_err(|error| connection_error(url, error, true))?;
        reader.open(&mut body, start)?;
        hash.update(body.get(start..).unwrap_or_default());
    }
    let found = BodyDigest { length: body.len() as u64, sha256: hash.finish() };
    check_body(announced, found, MessageKind::Response)?;
    Ok(body)
}

/// Whether a root is Amazon's or a development root.
pub fn trust_mode(root: &Root) -> TrustMode {
    if root.is_development() { TrustMode::Development } else { TrustMode::Production }
}

/// The time limit for the transfer of a message of this many bytes.
fn transfer(bytes: u64) -> Duration {
    (GRACE + Duration::from_secs(bytes / LOWEST_SPEED)).min(MAX_TRANSFER)
}

/// Adds the address to an error of the connection, and whether a request was sent. Any other error stays as it is.
fn connection_error(url: &Url, error: CoreError, sent: bool) -> Error {
    match error {
        CoreError::Transport(error) => Error::Connection { url: url.to_string(), error, sent },
        error => Error::Local(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_may_take_as_long_as_its_bytes_need_at_the_lowest_speed() {
        for (bytes, seconds) in [(0, 30), (65_535, 30), (1 << 20, 46), (100 << 20, 600), (u64::MAX, 600)] {
            assert_eq!(transfer(bytes).as_secs(), seconds, "{bytes}");
        }
    }
}
