//! A client made of the core's own halves: hello, verification, requests, responses, receipts. It checks everything.

use crate::crypto::Recorded;
use crate::pipe::End;
use crate::prng::Prng;
use crate::run::{Enclave, Run};
use enclave_core::claims::{MAX_CLAIMS, Regime, SessionClaims};
use enclave_core::document::MAX_DOCUMENT;
use enclave_core::error::Down;
use enclave_core::hello::{self, Hello, Secrets};
use enclave_core::identity::Identity;
use enclave_core::message::{self, Described, Halves, Request, Response, Verb};
use enclave_core::platform::{Channel, Connection as _};
use enclave_core::receipt::{Receipt, ReceiptBundle};
use enclave_core::stream::FrameReader;
use enclave_core::verify::{Expected, Freshness, Session as SessionPurpose, verify};
use enclave_core::{Error, Part, digest, frame, session, status};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long a request may take to begin, in milliseconds.
const NOT_AFTER: u64 = 300_000;

/// Somebody: an identity, and numbers of her own.
pub struct Person {
    /// By which name the trace knows her.
    pub name: String,
    /// Her secret.
    pub identity: Identity,
    /// Her public key.
    pub owner: [u8; 32],
    /// What she draws from.
    pub prng: Prng,
}

impl Person {
    /// The person of this name and number; the same in every run of one seed.
    pub fn new(run: &Run, name: &str, number: u64) -> Self {
        let mut prng = run.prng.fork(100 + number);
        let identity = Identity::from_secret(Zeroizing::new(prng.bytes()));
        Self { name: name.to_string(), owner: identity.owner(), identity, prng }
    }

    /// Her half of an object's key.
    pub fn half(&self, run: &Run, kind: u8, id: &[u8; 16], version: u64) -> ([u8; 16], Zeroizing<[u8; 32]>) {
        (*id, self.identity.half(run.world.trust.der(), kind, id, version))
    }
}

/// What is asked for, before it has a number and an id.
#[derive(Default)]
pub struct Ask {
    /// The parameters' map.
    pub params: Vec<u8>,
    /// The halves sent along.
    pub halves: Halves,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// What is said of the body, if it is a lie.
    pub announced: Option<Described>,
    /// How long the first chunk is ahead of the rest, in milliseconds.
    pub pause: u64,
}

impl Ask {
    /// Without halves and body.
    pub fn of(params: Vec<u8>) -> Self {
        Self { params, ..Self::default() }
    }

    /// With one more half.
    pub fn with(mut self, half: ([u8; 16], Zeroizing<[u8; 32]>)) -> Self {
        self.halves.insert(half.0, half.1);
        self
    }
}

/// An answer, its body checked against what its head says of it.
pub struct Answered {
    /// The head.
    pub response: Response,
    /// The body.
    pub body: Vec<u8>,
    /// The request's digest.
    pub request: [u8; 48],
    /// The salts of the pair: the output's, then each input's.
    pub salts: Vec<[u8; 32]>,
}

impl Answered {
    /// The answer, if it is one of success; else what it says.
    pub fn done(self) -> Result<Self, Error> {
        match self.response.status {
            status::DONE => Ok(self),
            number => Err(status::error(number, None)),
        }
    }
}

/// A connection on which time passes behind the first chunk of a stream.
struct Paused<'a> {
    end: &'a mut End,
    run: &'a Run,
    frames: usize,
    pause: u64,
}

impl Channel for Paused<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        self.end.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        self.frames += 1;
        if self.frames == 3 && self.pause > 0 {
            // Commitment and first chunk are sent; the enclave has its turns to read them.
            (0..200).for_each(|_| self.run.scheduler.pause());
            self.run.scheduler.advance(self.pause);
        }
        self.end.write(bytes)
    }
}

/// An open session.
pub struct Session {
    end: End,
    secrets: Secrets,
    run: Arc<Run>,
    /// Its number.
    pub number: usize,
    /// Called whenever a part of an answer was read.
    pub watch: Option<Box<dyn FnMut() + Send>>,
    /// Whether the connection is of no more use.
    pub broken: bool,
    /// What the document vouches for.
    pub claims: SessionClaims,
    /// The same, as received.
    pub claims_bytes: Vec<u8>,
    /// The document.
    pub document: Vec<u8>,
    /// The document's time.
    pub timestamp: u64,
}

impl Session {
    /// Connects and verifies. Whatever is wrong with the evidence is an error of `verify`.
    pub fn open(enclave: &Arc<Enclave>, prng: &mut Prng) -> Result<Self, Error> {
        let run = enclave.platform.run.clone();
        let mut end = enclave.connect();
        let nonce = prng.bytes();
        let hello = Hello { nonce, suites: vec![1] }.encode();
        frame::write(&mut end, &hello)?;
        let evidence = frame::read(&mut end, MAX_DOCUMENT + MAX_CLAIMS + 64)?;
        let (document, claims_bytes) = hello::parse_evidence(&evidence)?;
        let exporter = end.export(enclave_core::claims::EXPORTER, &digest::sha384(&[&hello]))?;
        let claims = hello::check_claims(&hello, &exporter, claims_bytes, Regime::Development)?;
        let freshness = Freshness::Nonce { nonce, now: run.scheduler.now() };
        let (world, configuration) = (&run.world, &claims.configuration);
        let expected =
            Expected::<SessionPurpose>::new(&world.trust, &world.pins, freshness, claims_bytes, configuration);
        let timestamp = verify::<Recorded, _>(document, &expected)?.document().timestamp;
        let entropy = Zeroizing::new(prng.bytes());
        let (enc, secrets) = Secrets::client(&entropy, &claims.kem_public, claims_bytes)?;
        frame::write(&mut end, &enc)?;
        let (document, claims_bytes) = (document.to_vec(), claims_bytes.to_vec());
        Ok(Self {
            number: end.session,
            broken: false,
            watch: None,
            end,
            secrets,
            run,
            claims,
            claims_bytes,
            document,
            timestamp,
        })
    }

    /// One request of `person`'s and its answer.
    pub fn ask(&mut self, person: &mut Person, verb: Verb, ask: Ask) -> Result<Answered, Error> {
        let id = person.prng.bytes();
        self.ask_as(person, verb, ask, id, self.run.scheduler.now() + NOT_AFTER)
    }

    /// The same with an id and a not-after of one's choice.
    pub fn ask_as(
        &mut self,
        person: &Person,
        verb: Verb,
        ask: Ask,
        id: [u8; 16],
        not_after: u64,
    ) -> Result<Answered, Error> {
        let answered = self.exchange(person, verb, ask, id, not_after);
        self.broken = answered.is_err();
        answered
    }

    fn exchange(
        &mut self,
        person: &Person,
        verb: Verb,
        ask: Ask,
        id: [u8; 16],
        not_after: u64,
    ) -> Result<Answered, Error> {
        let pair = self.secrets.next_pair()?;
        let claims_digest = *self.secrets.claims_digest();
        let request = Request {
            n: pair.n,
            verb,
            id,
            not_after,
            caller: person.owner,
            params: ask.params,
            halves: ask.halves,
            body: ask.announced.or(ask.body.as_deref().map(Described::of)),
        };
        let (head, request_digest) = request.sign(&person.identity, &claims_digest)?;
        let body = ask.body.as_deref().unwrap_or_default();
        let mut paused = Paused { end: &mut self.end, run: &self.run, frames: 0, pause: ask.pause };
        session::send::<Recorded>(&mut paused, pair.request, &claims_digest, &head, body)?;

        let commitment = frame::read(&mut self.end, 32)?;
        let mut reader = FrameReader::<Recorded>::new(pair.response, &request_digest, &commitment)?;
        let mut plain = Vec::new();
        while !reader.ended() {
            plain.extend_from_slice(&reader.chunk(frame::read(&mut self.end, frame::MAX_FRAME)?)?);
            if let Some(watch) = &mut self.watch {
                watch();
            }
        }
        let (head, body) = message::split_head(&plain, Part::Response)?;
        let response = Response::parse(head, pair.n, &request_digest)?;
        message::check_body(response.body, Described::of(body), Part::Response)?;
        let salts = (0..65).map(|i| self.secrets.salt(pair.n, i)).collect();
        Ok(Answered { body: body.to_vec(), response, request: request_digest, salts })
    }

    /// Checks a run's receipt as one would offline: that it is of this session and this request, and that it speaks
    /// of these inputs and of this output, if there is one.
    pub fn check_receipt(
        &self,
        answered: &Answered,
        inputs: &[&[u8]],
        output: Option<&[u8]>,
    ) -> Result<Receipt, Error> {
        let salts = answered.salts.iter().copied().take(inputs.len() + 1);
        let mut salts: Vec<_> = salts.map(Some).collect();
        if output.is_none() {
            salts[0] = None;
        }
        let bundle = ReceiptBundle {
            document: self.document.clone(),
            claims: self.claims_bytes.clone(),
            receipt: answered.response.receipt.clone().ok_or(Error::Malformed(Part::Receipt))?,
            salts,
        };
        let bundle = ReceiptBundle::parse(&bundle.encode())?;
        let receipt = bundle.check(&self.claims, self.timestamp)?;
        let data: Vec<_> = std::iter::once(output).chain(inputs.iter().copied().map(Some)).collect();
        bundle.check_data(&receipt, &data)?;
        if receipt.request != answered.request || receipt.status != answered.response.status {
            return Err(Error::Disagrees(Part::Receipt));
        }
        Ok(receipt)
    }
}
