//! A client made of the core's own types: hello, verification, requests, responses, receipts. It checks everything.

use crate::crypto::Recorded;
use crate::enclave::Enclave;
use crate::person::Person;
use crate::pipe::End;
use crate::prng::Prng;
use crate::request::{ReceivedResponse, RequestSpec};
use crate::run::Run;
use enclave_core::attestation::{
    EXPORTER_LABEL, Expected, Freshness, MAX_CLAIMS, MAX_DOCUMENT, SUITE, SessionClaims, SessionPurpose, TrustMode,
    verify,
};
use enclave_core::crypto::{COMMITMENT_LEN, FrameReader, sha384};
use enclave_core::encoding::{Channel, MAX_FRAME, read_frame, write_frame};
use enclave_core::messages::{
    BodyDigest, Hello, Request, Response, SessionSecrets, check_body, check_session_claims, parse_evidence, split_head,
};
use enclave_core::objects::{MAX_INPUTS, Receipt, ReceiptBundle};
use enclave_core::platform::Connection as _;
use enclave_core::session::send_message;
use enclave_core::{Deadline, Error, MessageKind, Nonce, RequestId, TransportError, UnixMillis};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How far ahead a request's deadline lies, in milliseconds.
const DEADLINE: u64 = 300_000;

/// A connection on which time passes after the first chunk of a stream.
struct Paused<'a> {
    end: &'a mut End,
    run: &'a Run,
    frames: usize,
    pause: u64,
}

impl Channel for Paused<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        self.end.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.frames += 1;
        if self.frames == 3 && self.pause > 0 {
            // The commitment and the first chunk are sent. The enclave gets enough turns to read them.
            (0..200).for_each(|_| self.run.scheduler.yield_turn());
            self.run.scheduler.advance(self.pause);
        }
        self.end.write(bytes)
    }
}

/// An open session.
pub struct Session {
    end: End,
    secrets: SessionSecrets,
    run: Arc<Run>,
    /// Its number.
    pub number: usize,
    /// Called after each chunk of a response.
    pub on_chunk: Option<Box<dyn FnMut() + Send>>,
    /// Whether the connection can no longer be used.
    pub broken: bool,
    /// What the document vouches for.
    pub claims: SessionClaims,
    /// The claims, as received.
    pub claims_bytes: Vec<u8>,
    /// The document.
    pub document: Vec<u8>,
    /// The document's time.
    pub timestamp: UnixMillis,
}

impl Session {
    /// Connects and verifies the evidence.
    ///
    /// # Errors
    /// [`Error::Transport`] if the connection fails; otherwise the reason why the evidence is rejected.
    pub fn open(enclave: &Arc<Enclave>, prng: &mut Prng) -> Result<Self, Error> {
        let run = enclave.platform.run.clone();
        let mut end = enclave.connect();
        let nonce = Nonce::new(prng.bytes());
        let hello = Hello { nonce, suites: vec![SUITE] }.encode();
        write_frame(&mut end, &hello)?;
        let evidence = read_frame(&mut end, MAX_DOCUMENT + MAX_CLAIMS + 64)?;
        let (document, claims_bytes) = parse_evidence(&evidence)?;
        let exporter = end.export(EXPORTER_LABEL, &sha384(&[&hello]))?;
        let claims = check_session_claims(&hello, &exporter, claims_bytes, TrustMode::Development)?;
        let freshness = Freshness::Nonce { nonce, now: run.scheduler.now() };
        let (world, configuration) = (&run.world, &claims.configuration);
        let expected =
            Expected::<SessionPurpose>::new(&world.pinned_root, &world.pins, freshness, claims_bytes, configuration);
        let timestamp = verify::<Recorded, _>(document, &expected)?.facts().timestamp;
        let entropy = Zeroizing::new(prng.bytes());
        let (enc, secrets) = SessionSecrets::client(&entropy, &claims.kem_public, claims_bytes)?;
        write_frame(&mut end, &enc)?;
        let (document, claims_bytes) = (document.to_vec(), claims_bytes.to_vec());
        Ok(Self {
            number: end.session,
            broken: false,
            on_chunk: None,
            end,
            secrets,
            run,
            claims,
            claims_bytes,
            document,
            timestamp,
        })
    }

    /// Sends a request of `person` and gives the response, whatever its status.
    ///
    /// # Errors
    /// Those of the connection and of the response's form. The session is then broken.
    pub fn send(&mut self, person: &mut Person, spec: RequestSpec) -> Result<ReceivedResponse, Error> {
        let response = self.exchange(person, spec);
        self.broken = response.is_err();
        response
    }

    /// Sends a request of `person` and gives the response, if the request is done.
    ///
    /// # Errors
    /// Those of [`Session::send`]; the error that the response's status stands for.
    pub fn send_expect_ok(&mut self, person: &mut Person, spec: RequestSpec) -> Result<ReceivedResponse, Error> {
        self.send(person, spec)?.ok()
    }

    fn exchange(&mut self, person: &mut Person, spec: RequestSpec) -> Result<ReceivedResponse, Error> {
        let pair = self.secrets.next_pair()?;
        let claims_digest = *self.secrets.claims_digest();
        let deadline = Deadline::new(self.run.scheduler.now().plus(DEADLINE));
        let request = Request {
            n: pair.n,
            verb: spec.verb,
            id: spec.id.unwrap_or_else(|| RequestId::new(person.prng.bytes())),
            not_after: spec.not_after.unwrap_or(deadline),
            caller: person.owner,
            params: spec.params,
            key_shares: spec.key_shares,
            body: spec.announced.or(spec.body.as_deref().map(BodyDigest::of)),
        };
        let (head, digest) = request.sign(&person.identity, &claims_digest)?;
        let body = spec.body.as_deref().unwrap_or_default();
        let mut paused = Paused { end: &mut self.end, run: &self.run, frames: 0, pause: spec.pause };
        send_message::<Recorded>(&mut paused, pair.request, claims_digest.as_bytes(), &head, body)?;

        let commitment = read_frame(&mut self.end, COMMITMENT_LEN)?;
        let mut reader = FrameReader::<Recorded>::new(pair.response, digest.as_bytes(), &commitment)?;
        let mut plaintext = Vec::new();
        while !reader.ended() {
            plaintext.extend_from_slice(&reader.chunk(read_frame(&mut self.end, MAX_FRAME)?)?);
            if let Some(on_chunk) = &mut self.on_chunk {
                on_chunk();
            }
        }
        let (head, body) = split_head(&plaintext, MessageKind::Response)?;
        let response = Response::parse(head, pair.n, &digest)?;
        check_body(response.body, BodyDigest::of(body), MessageKind::Response)?;
        let salts = (0..=MAX_INPUTS as u32).map(|i| self.secrets.salt(pair.n, i)).collect();
        let ciphertext_salts = (1..=MAX_INPUTS as u32).map(|i| self.secrets.ciphertext_salt(pair.n, i)).collect();
        Ok(ReceivedResponse { body: body.to_vec(), response, request: digest, salts, ciphertext_salts })
    }

    /// Verifies a run's receipt as one would offline: it is of this session and this request, and it commits to these
    /// inputs, to the files that they came in (`None` for plaintext), and to this output if there is one.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Receipt`] if there is no receipt; [`Error::Mismatch`] of
    /// [`MessageKind::Receipt`]; those of [`ReceiptBundle::verify`].
    pub fn check_receipt(
        &self,
        received: &ReceivedResponse,
        inputs: &[&[u8]],
        files: &[Option<&[u8]>],
        output: Option<&[u8]>,
    ) -> Result<Receipt, Error> {
        let salts = received.salts.iter().copied().take(inputs.len() + 1);
        let mut salts: Vec<_> = salts.map(Some).collect();
        if output.is_none() {
            salts[0] = None;
        }
        let bundle = ReceiptBundle {
            document: self.document.clone(),
            claims: self.claims_bytes.clone(),
            receipt: received.response.receipt.clone().ok_or(Error::Malformed(MessageKind::Receipt))?,
            salts,
            ciphertext_salts: received
                .ciphertext_salts
                .iter()
                .zip(files)
                .map(|(salt, file)| file.map(|_| *salt))
                .collect(),
        };
        let bundle = ReceiptBundle::parse(&bundle.encode())?;
        let receipt = bundle.verify(&self.claims, self.timestamp)?;
        let data: Vec<_> = std::iter::once(output).chain(inputs.iter().copied().map(Some)).collect();
        bundle.check_data(&receipt, &data)?;
        for (i, file) in files.iter().enumerate() {
            match file {
                Some(file) => bundle.check_ciphertext(&receipt, i, file)?,
                None if receipt.inputs[i].ciphertext.is_none() => {}
                None => return Err(Error::Mismatch(MessageKind::Receipt)),
            }
        }
        if receipt.request != received.request || receipt.status.number() != received.response.status {
            return Err(Error::Mismatch(MessageKind::Receipt));
        }
        Ok(receipt)
    }
}
