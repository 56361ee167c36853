//! The client of a session. It acts when the enclave reads and has already read everything that was sent.

use super::request::ScriptedRequest;
use super::response::{self, Offer, PendingRequest};
use super::wire::Wire;
use crate::platform::FuzzPlatform;
use enclave_core::attestation::{SUITE, SessionClaims, TrustMode};
use enclave_core::encoding::Channel;
use enclave_core::identity::Identity;
use enclave_core::messages::{Hello, SessionSecrets, parse_evidence};
use enclave_core::platform::Connection;
use enclave_core::session::send_message;
use enclave_core::state::Account;
use enclave_core::{Error, Nonce, TransportError};
use enclave_core_aws_lc::AwsLc;
use zeroize::Zeroizing;

/// The client. For the enclave it is the connection.
pub struct Client<'a> {
    /// Only its count of workers is read.
    platform: &'a FuzzPlatform,
    caller: &'static Identity,
    /// Whether the connection has a place for the caller.
    has_place: bool,
    /// Whether the enclave asked for the place and has it.
    admitted: bool,
    /// Whether the enclave said that bytes are to move, and did not say yet that they have moved.
    transferring: bool,
    /// The requests that were not sent yet.
    script: &'a [u8],
    session: Option<ClientSession>,
    pending: Option<PendingRequest>,
    /// The last vault key that was offered.
    offer: Option<Offer>,
    wire: Wire,
    finished: bool,
}

/// What the handshake leaves.
pub struct ClientSession {
    /// The secrets of the messages.
    pub secrets: SessionSecrets,
    /// The claims of the enclave.
    pub claims: SessionClaims,
    /// The claims as they were received.
    pub claims_bytes: Vec<u8>,
}

impl<'a> Client<'a> {
    /// Returns a client that signs the requests of `script` as `caller`. `platform` is that of the enclave. Without
    /// `has_place`, the connection has no place for the caller.
    pub fn new(platform: &'a FuzzPlatform, caller: &'static Identity, has_place: bool, script: &'a [u8]) -> Self {
        let (session, pending, offer, wire) = (None, None, None, Wire::default());
        let (admitted, transferring, finished) = (false, false, false);
        Self { platform, caller, has_place, admitted, transferring, script, session, pending, offer, wire, finished }
    }

    /// Returns whether every request of the script was sent and answered.
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// Does the next step: sends the hello, or reads what the enclave sent and sends the next request.
    fn act(&mut self) {
        if self.session.is_none() {
            if self.wire.from_enclave.is_empty() {
                return self.wire.send_frame(&Hello { nonce: Nonce::new([0; 32]), suites: vec![SUITE] }.encode());
            }
            self.session = Some(self.finish_handshake());
        }
        let session = self.session.as_mut().expect("the handshake is complete");
        if let Some(pending) = self.pending.take() {
            assert!(!self.transferring, "the connection is not told that the answer is sent");
            let started = self.platform.started() - pending.started_before;
            self.offer = response::check(session, pending, started, &mut self.wire).or(self.offer.take());
        }
        let Some(request) = ScriptedRequest::next(&mut self.script) else {
            self.finished = true;
            return;
        };
        // The enclave may close the connection instead of answering, if the body is not as described.
        self.finished = false;
        let pair = session.secrets.next_pair().expect("a script has few requests");
        let (request, body) = request.into_request(pair.n, self.caller, self.offer.as_ref());
        let claims_digest = session.secrets.claims_digest();
        // A request that is too long to be encoded ends the script.
        let Ok((head, digest)) = request.sign(self.caller, claims_digest) else { return };
        let started_before = self.platform.started();
        send_message::<AwsLc>(&mut self.wire, pair.request, claims_digest.as_bytes(), &head, &body)
            .expect("writing to memory succeeds");
        let (secret, has_place) = (pair.response, self.has_place);
        self.pending = Some(PendingRequest { request, digest, body, secret, started_before, has_place });
    }

    /// Reads the evidence and sends `enc`.
    fn finish_handshake(&mut self) -> ClientSession {
        let evidence = self.wire.receive_frame();
        let claims_bytes = parse_evidence(&evidence).expect("the enclave answers with evidence").1.to_vec();
        let claims = SessionClaims::parse(&claims_bytes, TrustMode::Development).expect("the claims are valid");
        let (enc, secrets) = SessionSecrets::client(&Zeroizing::new([4; 64]), &claims.kem_public, &claims_bytes)
            .expect("the claims contain a valid KEM key");
        self.wire.send_frame(&enc);
        ClientSession { secrets, claims, claims_bytes }
    }
}

impl Channel for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        if self.wire.to_enclave.is_empty() {
            self.act();
        }
        let count = buffer.len().min(self.wire.to_enclave.len());
        buffer.iter_mut().zip(self.wire.to_enclave.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.wire.from_enclave.extend_from_slice(bytes);
        Ok(())
    }
}

impl Connection for Client<'_> {
    fn export(&self, _label: &str, _context: &[u8]) -> Result<[u8; 32], TransportError> {
        Ok([8; 32])
    }

    fn admit(&mut self, _account: Account) -> Result<(), Error> {
        assert!(!self.admitted, "a caller takes two places");
        self.admitted = self.has_place;
        if self.admitted { Ok(()) } else { Err(Error::BUSY) }
    }

    fn transfer(&mut self, _bytes: u64) {
        self.transferring = true;
    }

    fn rest(&mut self) {
        self.transferring = false;
    }
}
