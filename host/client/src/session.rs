//! An attested session with an enclave.
//!
//! A [`Session`] exists only after the enclave's document was verified against the pins of its address. Requests are
//! encrypted to the key that this document attests, so that only this enclave can read them.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::trust::TrustEntry;
use crate::random;
use crate::transport::Tls;
use crate::url::Url;
use crate::values::Hex;
use enclave_core::cbor::Reader;
use enclave_core::claims::{self, Regime, SessionClaims};
use enclave_core::config::{Configuration, Limits};
use enclave_core::error::Part;
use enclave_core::hello::{self, Hello, Secrets};
use enclave_core::identity::Identity;
use enclave_core::message::{self, Described, Halves, Request, Response, Verb};
use enclave_core::object::Kind;
use enclave_core::stream::FrameReader;
use enclave_core::verify::{self, Expected, Freshness, Judged, Pins, Root, Verified};
use enclave_core::{digest, frame, session, status};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The time limit for the enclave's attestation. The enclave may have to query KMS first.
const ATTEST: Duration = Duration::from_secs(30);
/// The time limit for sending a request, and for receiving the rest of an answer after its first frame.
const TRANSFER: Duration = Duration::from_secs(600);
/// The time limit until an answer begins. It covers a run of 60 seconds, KMS and the store.
const ANSWER: Duration = Duration::from_secs(180);
/// How long a request stays valid after it was sent, in milliseconds.
const VALIDITY: u64 = message::MAX_AHEAD / 2;

/// A session with a verified enclave.
pub struct Session {
    channel: Tls,
    url: Url,
    root: Root,
    pins: Pins,
    secrets: Secrets,
    evidence: Evidence,
    verified: Verified<verify::Session>,
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
    /// The configuration. `None` occurs under a development root only.
    pub configuration: Option<Configuration>,
}

/// A request, before it has a number, an id and a signature.
pub struct RequestSpec<'a> {
    /// The verb.
    pub verb: Verb,
    /// The verb's parameters: a CBOR map with integer keys.
    pub params: Vec<u8>,
    /// The owner's key shares for the objects that the verb opens or seals.
    pub key_shares: Halves,
    /// The body, which the verb defines.
    pub body: Option<&'a [u8]>,
}

/// The enclave's answer to a request.
pub struct Answer {
    /// The status number of the protocol.
    pub status: u64,
    /// The error that the status stands for; `None` if the request succeeded.
    pub failed: Option<enclave_core::Error>,
    /// The verb's result: a CBOR map with integer keys.
    pub result: Zeroizing<Vec<u8>>,
    /// The signed receipt, if the verb makes one.
    pub receipt: Option<Vec<u8>>,
    /// The body: an output or a list.
    pub body: Zeroizing<Vec<u8>>,
    /// The request's number in this session. The salts of its receipt are derived from it.
    pub n: u64,
    /// The request's id.
    pub id: Hex<16>,
    /// The request's digest.
    pub request: [u8; 48],
}

impl Session {
    /// Connects and verifies the enclave against `entry`. No secret is sent before the verification has succeeded.
    pub fn connect(url: &Url, entry: &TrustEntry) -> Result<Self, Error> {
        Self::connect_to(url, |_| Ok(entry.clone()))
    }

    /// Like [`Session::connect`], but `choose` makes the trust entry from the document, which is not verified yet. Only
    /// trust on first use needs this.
    pub fn connect_to(url: &Url, choose: impl FnOnce(&[u8]) -> Result<TrustEntry, Error>) -> Result<Self, Error> {
        let mut channel = Tls::connect(url)?;
        channel.allow(ATTEST);
        let hello = Hello { nonce: random::bytes()?, suites: vec![claims::SUITE] };
        let nonce = hello.nonce;
        let hello = hello.encode();
        let exporter = channel.export(claims::EXPORTER, &digest::sha384(&[&hello]));
        let exporter = Zeroizing::new(exporter.map_err(|down| Error::Connection { url: url.to_string(), down })?);
        let answer = (|| {
            frame::write(&mut channel, &hello)?;
            frame::read(&mut channel, frame::MAX_FRAME)
        })();
        let answer = answer.map_err(|error| lost(url, error))?;
        let (document, claims_bytes) = hello::parse_evidence(&answer)?;

        let entry = choose(document)?;
        let root = entry.root()?;
        if root.is_development() && !channel.is_local() {
            return Err(Error::NotLocal(url.to_string()));
        }
        let regime = regime(&root);
        let claims = SessionClaims::parse(claims_bytes, regime)?;
        let pins = entry.pins()?;
        let freshness = Freshness::Nonce { nonce, now: clock::now() };
        let expected = Expected::new(&root, &pins, freshness, claims_bytes, &claims.configuration);
        let verified = verify::verify::<Crypto, verify::Session>(document, &expected)?;
        let claims = hello::check_claims(&hello, &exporter, claims_bytes, regime)?;
        let configuration = Some(&claims.configuration).filter(|bytes| !bytes.is_empty());
        let configuration = configuration.map(|bytes| Configuration::parse(bytes)).transpose()?;

        let mut entropy = Zeroizing::new([0; 64]);
        random::fill(entropy.as_mut_slice())?;
        let (enc, secrets) = Secrets::client(&entropy, &claims.kem_public, claims_bytes)?;
        frame::write(&mut channel, &enc).map_err(|error| lost(url, error))?;
        let (document, claims_bytes) = (document.to_vec(), claims_bytes.to_vec());
        let evidence = Evidence { document, claims_bytes, claims, configuration };
        Ok(Self { channel, url: url.clone(), root, pins, secrets, evidence, verified, begun: Instant::now() })
    }

    /// The facts that the attestation document proved.
    pub fn verified(&self) -> &Judged {
        self.verified.document()
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
    pub fn regime(&self) -> Regime {
        regime(&self.root)
    }

    /// SHA-256 of the root certificate. The catalogue names a root by it.
    pub fn root_id(&self) -> Hex<32> {
        Hex(self.root.sha256())
    }

    /// Whether the root is a development root.
    pub fn development(&self) -> bool {
        self.root.is_development()
    }

    /// The limits of this enclave.
    pub fn limits(&self) -> Limits {
        self.evidence.configuration.as_ref().map_or(Limits::MAXIMA, |configuration| configuration.limits.effective())
    }

    /// The owner's key share for an object. It differs for each root. An object opens only with this key share and KMS's.
    pub fn key_share(&self, identity: &Identity, kind: Kind, id: &[u8; 16], version: u64) -> Zeroizing<[u8; 32]> {
        identity.half(self.root.der(), kind as u8, id, version)
    }

    /// The enclave's present time: the time of its document plus the time since, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.verified().timestamp.saturating_add(since)
    }

    /// The salt of commitment `i` in the receipt of request `n`. Commitment 0 is the output, 1 is the first input.
    pub fn salt(&self, n: u64, i: u32) -> [u8; 32] {
        self.secrets.salt(n, i)
    }

    /// Sends a request and waits for the answer. The answer's status may be a failure.
    ///
    /// A request is sent once and never repeated. If the connection breaks, the enclave may have carried it out.
    pub fn send(&mut self, identity: &Identity, spec: RequestSpec<'_>) -> Result<Answer, Error> {
        let pair = self.secrets.next_pair()?;
        let id = random::bytes()?;
        let request = Request {
            n: pair.n,
            verb: spec.verb,
            id,
            not_after: self.now().saturating_add(VALIDITY),
            caller: identity.owner(),
            params: spec.params,
            halves: spec.key_shares,
            body: spec.body.map(Described::of),
        };
        let claims_digest = *self.secrets.claims_digest();
        let (head, request_digest) = request.sign(identity, &claims_digest)?;
        drop(request);
        let body = spec.body.unwrap_or_default();
        let url = &self.url;
        self.channel.allow(TRANSFER);
        session::send::<Crypto>(&mut self.channel, pair.request, &claims_digest, &head, body)
            .map_err(|error| lost(url, error))?;

        self.channel.allow(ANSWER);
        let commitment = frame::read(&mut self.channel, 32).map_err(|error| lost(url, error))?;
        let mut reader = FrameReader::<Crypto>::new(pair.response, &request_digest, &commitment)?;
        let first = frame::read(&mut self.channel, frame::MAX_FRAME).map_err(|error| lost(url, error))?;
        let first = reader.chunk(first)?;
        let (head, begun) = message::split_head(&first, Part::Response)?;
        let response = Response::parse(head, pair.n, &request_digest)?;
        self.channel.allow(TRANSFER);
        let body = receive(&mut self.channel, url, &mut reader, response.body, begun)?;
        let failed = match response.status {
            status::DONE => None,
            number => Some(status::error(number, value(&response.result))),
        };
        let Response { status, result, receipt, .. } = response;
        Ok(Answer { status, failed, result, receipt, body, n: pair.n, id: Hex(id), request: request_digest })
    }

    /// Like [`Session::send`], but a status other than success is an error.
    pub fn send_expect_ok(&mut self, identity: &Identity, spec: RequestSpec<'_>) -> Result<Answer, Error> {
        let answer = self.send(identity, spec)?;
        match answer.failed {
            Some(error) => Err(Error::Answered(error)),
            None => Ok(answer),
        }
    }
}

/// Receives the rest of a response's body. The body must match the length and the digest in the response's head.
fn receive(
    channel: &mut Tls,
    url: &Url,
    reader: &mut FrameReader<Crypto>,
    described: Option<Described>,
    begun: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    /// The longest body that an enclave sends, in bytes.
    const MAX_BODY: u64 = Limits::MAXIMA.output;
    let length = described.map_or(0, |described| described.length);
    let length = usize::try_from(length).ok().filter(|_| length <= MAX_BODY);
    let length = length.ok_or(enclave_core::Error::TooLarge(Part::Response))?;
    // The vector is allocated once, with room for an oversized last frame. A vector that grows would leave copies of
    // the plaintext in freed memory.
    let mut body = Zeroizing::new(Vec::with_capacity(length + frame::MAX_FRAME));
    body.extend_from_slice(begun);
    let mut hash = digest::Running::default();
    hash.update(begun);
    while body.len() <= length && !reader.ended() {
        let start = body.len();
        frame::append(channel, &mut body, frame::MAX_FRAME).map_err(|error| lost(url, error))?;
        reader.open(&mut body, start)?;
        hash.update(body.get(start..).unwrap_or_default());
    }
    let found = Described { length: body.len() as u64, sha256: hash.finish() };
    message::check_body(described, found, Part::Response)?;
    Ok(body)
}

/// Whether a root is Amazon's or a development root.
pub fn regime(root: &Root) -> Regime {
    if root.is_development() { Regime::Development } else { Regime::Production }
}

/// The number in the result of a failed request: the limit that was exceeded, or the exit status.
fn value(result: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(result, Part::Response).ok()?;
    if reader.any_map().ok()? == 0 {
        return None;
    }
    reader.key(1).ok()?;
    reader.uint().ok()
}

/// Adds the address to an error of the connection. Any other error stays as it is.
fn lost(url: &Url, error: enclave_core::Error) -> Error {
    match error {
        enclave_core::Error::Down(down) => Error::Connection { url: url.to_string(), down },
        error => Error::Local(error),
    }
}
