//! An attested session: from an address and what is pinned for it to requests that only that enclave can read.

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

/// How long the enclave may take to attest itself: it may have to ask KMS first.
const ATTEST: Duration = Duration::from_secs(30);
/// How long a request may take to be sent, and how long its answer once it has begun.
const TRANSFER: Duration = Duration::from_secs(600);
/// How long an answer may take to begin: a run of 60 seconds, KMS and the store.
const ANSWER: Duration = Duration::from_secs(180);
/// How long after it was sent a request may start, in milliseconds.
const VALIDITY: u64 = message::MAX_AHEAD / 2;

/// A session with an enclave that was verified.
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

/// What the enclave showed, as bytes and as what they say.
pub struct Evidence {
    /// The document.
    pub document: Vec<u8>,
    /// The claims, as they were received.
    pub claims_bytes: Vec<u8>,
    /// The claims.
    pub claims: SessionClaims,
    /// The configuration; none only under a development root.
    pub configuration: Option<Configuration>,
}

/// What is asked for.
pub struct Ask<'a> {
    /// The verb.
    pub verb: Verb,
    /// Its parameters: a map of integer keys.
    pub params: Vec<u8>,
    /// Halves of the objects that it needs.
    pub halves: Halves,
    /// Its body.
    pub body: Option<&'a [u8]>,
}

/// What came back.
pub struct Answer {
    /// How it ended, as the enclave's number.
    pub status: u64,
    /// How it ended, if not well.
    pub failed: Option<enclave_core::Error>,
    /// The verb's result: a map of integer keys.
    pub result: Zeroizing<Vec<u8>>,
    /// A receipt, signed.
    pub receipt: Option<Vec<u8>>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// The request's number in the session: receipts' salts depend on it.
    pub n: u64,
    /// The request's id.
    pub id: Hex<16>,
    /// The request's digest.
    pub request: [u8; 48],
}

impl Session {
    /// Connects, verifies by what `entry` pins, and only then sends the first secret.
    pub fn connect(url: &Url, entry: &TrustEntry) -> Result<Self, Error> {
        Self::connect_to(url, |_| Ok(entry.clone()))
    }

    /// As [`Session::connect`], by what `choose` pins once it sees the document: for trust on first use alone.
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

    /// What the document proved.
    pub fn verified(&self) -> &Judged {
        self.verified.document()
    }

    /// What the enclave showed.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The root under which it was verified.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The images that were pinned for it.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Under a development root less is demanded of claims.
    pub fn regime(&self) -> Regime {
        regime(&self.root)
    }

    /// SHA-256 of that root: the catalogue's name for it.
    pub fn root_id(&self) -> Hex<32> {
        Hex(self.root.sha256())
    }

    /// Whether all of it rests on a development root.
    pub fn development(&self) -> bool {
        self.root.is_development()
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.evidence.configuration.as_ref().map_or(Limits::MAXIMA, |configuration| configuration.limits.effective())
    }

    /// What opens an object together with KMS' half, for this root alone.
    pub fn half(&self, identity: &Identity, kind: Kind, id: &[u8; 16], version: u64) -> Zeroizing<[u8; 32]> {
        identity.half(self.root.der(), kind as u8, id, version)
    }

    /// The enclave's clock, as its document showed it and as long as that was ago, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.verified().timestamp.saturating_add(since)
    }

    /// The salt of a receipt's commitment `i`: 0 the output, 1… the inputs of request `n`.
    pub fn salt(&self, n: u64, i: u32) -> [u8; 32] {
        self.secrets.salt(n, i)
    }

    /// Asks, and waits for the answer. A request is sent once: whether it started is not known when the connection
    /// breaks.
    pub fn ask(&mut self, identity: &Identity, ask: Ask<'_>) -> Result<Answer, Error> {
        let pair = self.secrets.next_pair()?;
        let id = random::bytes()?;
        let request = Request {
            n: pair.n,
            verb: ask.verb,
            id,
            not_after: self.now().saturating_add(VALIDITY),
            caller: identity.owner(),
            params: ask.params,
            halves: ask.halves,
            body: ask.body.map(Described::of),
        };
        let claims_digest = *self.secrets.claims_digest();
        let (head, request_digest) = request.sign(identity, &claims_digest)?;
        drop(request);
        let body = ask.body.unwrap_or_default();
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

    /// As [`Session::ask`]; whatever did not end well is an error.
    pub fn demand(&mut self, identity: &Identity, ask: Ask<'_>) -> Result<Answer, Error> {
        let answer = self.ask(identity, ask)?;
        match answer.failed {
            Some(error) => Err(Error::Answered(error)),
            None => Ok(answer),
        }
    }
}

/// The rest of a response's body, which must be the one that was described.
fn receive(
    channel: &mut Tls,
    url: &Url,
    reader: &mut FrameReader<Crypto>,
    described: Option<Described>,
    begun: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    /// The longest body that an enclave sends: an output, or a list.
    const MAX_BODY: u64 = Limits::MAXIMA.output;
    let length = described.map_or(0, |described| described.length);
    let length = usize::try_from(length).ok().filter(|_| length <= MAX_BODY);
    let length = length.ok_or(enclave_core::Error::TooLarge(Part::Response))?;
    // All of it at once, and what the last frame may have too much: a vector that grows would leave copies of the
    // plaintext behind.
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

/// What a root stands for.
pub fn regime(root: &Root) -> Regime {
    if root.is_development() { Regime::Development } else { Regime::Production }
}

/// A failed result's value: the limit, or the exit status.
fn value(result: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(result, Part::Response).ok()?;
    if reader.any_map().ok()? == 0 {
        return None;
    }
    reader.key(1).ok()?;
    reader.uint().ok()
}

/// A connection that broke, with its address; anything else as it is.
fn lost(url: &Url, error: enclave_core::Error) -> Error {
    match error {
        enclave_core::Error::Down(down) => Error::Connection { url: url.to_string(), down },
        error => Error::Judged(error),
    }
}
