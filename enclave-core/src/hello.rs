//! The handshake inside TLS: hello, [document, claims], enc; and from it the secrets of every message.

use crate::cbor::{Reader, Writer};
use crate::claims::{self, Regime, SessionClaims};
use crate::seal::{self, Exporter, KemSecret};
use crate::stream::Secret;
use crate::{Error, Part, digest};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The protocol's version.
pub const VERSION: u64 = 1;
/// Length of `enc` (X-Wing), in bytes.
pub const ENC_LEN: usize = 1120;

/// A client's first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Freshness: the document repeats it.
    pub nonce: [u8; 32],
    /// Suites offered, 1 to 4.
    pub suites: Vec<u64>,
}

impl Hello {
    /// Reads a hello.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Hello)?;
        reader.map(3)?;
        reader.key(1)?;
        if reader.uint()? != VERSION {
            return Err(Error::Malformed(Part::Hello));
        }
        reader.key(2)?;
        let nonce = reader.fixed()?;
        reader.key(3)?;
        let count = reader.any_array()?;
        if !(1..=4).contains(&count) {
            return Err(Error::Malformed(Part::Hello));
        }
        let suites = (0..count).map(|_| reader.uint()).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { nonce, suites })
    }

    /// The hello's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(3).uint(1).uint(VERSION).uint(2).bytes(&self.nonce).uint(3).array(self.suites.len() as u64);
        for suite in &self.suites {
            writer.uint(*suite);
        }
        writer.finish()
    }
}

/// The enclave's answer: a document and the claims that it vouches for.
pub fn encode_evidence(document: &[u8], claims: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).bytes(document).bytes(claims);
    writer.finish()
}

/// Splits the enclave's answer into document and claims.
pub fn parse_evidence(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut reader = Reader::new(bytes, Part::SessionClaims)?;
    reader.array(2)?;
    let document = reader.bytes(1, crate::document::MAX_DOCUMENT)?;
    let claims = reader.bytes(1, claims::MAX_CLAIMS)?;
    reader.end()?;
    Ok((document, claims))
}

/// Checks, as the client, that claims speak of this hello and of this TLS connection; what the document says of them
/// is `verify`'s to check.
pub fn check_claims(hello: &[u8], exporter: &[u8; 32], claims: &[u8], regime: Regime) -> Result<SessionClaims, Error> {
    let offered = Hello::parse(hello)?.suites;
    let claims = SessionClaims::parse(claims, regime)?;
    if claims.hello != digest::sha384(&[hello]) || !offered.contains(&claims::SUITE) {
        return Err(Error::ClaimsMismatch);
    }
    if claims.exporter != claims::exporter_claim(exporter) {
        return Err(Error::ExporterMismatch);
    }
    Ok(claims)
}

/// HPKE's `info` for a session.
fn info(claims_digest: &[u8; 48]) -> Vec<u8> {
    [b"capelet/1/session-info\0".as_slice(), claims_digest].concat()
}

/// The secrets of a session's messages. Each is given out once: `request` and `response` move on together.
pub struct Secrets {
    exporter: Exporter,
    claims_digest: [u8; 48],
    next: u64,
}

/// What one message pair needs.
pub struct Pair {
    /// The pair's number.
    pub n: u64,
    /// For the request's stream.
    pub request: Secret,
    /// For the response's stream.
    pub response: Secret,
}

impl Secrets {
    /// The client's side: also gives `enc`, to be sent once. `entropy` is fresh and used for nothing else.
    pub fn client(
        entropy: &Zeroizing<[u8; 64]>,
        kem_public: &[u8; claims::KEM_PUBLIC_LEN],
        claims: &[u8],
    ) -> Result<([u8; ENC_LEN], Self), Error> {
        let claims_digest = digest::sha384(&[claims]);
        let (enc, exporter) = seal::send(entropy, kem_public, &info(&claims_digest))?;
        Ok((enc, Self { exporter, claims_digest, next: 0 }))
    }

    /// The enclave's side.
    pub fn enclave(secret: &KemSecret, enc: &[u8], claims: &[u8]) -> Result<Self, Error> {
        let claims_digest = digest::sha384(&[claims]);
        let exporter = seal::receive(secret, enc, &info(&claims_digest))?;
        Ok(Self { exporter, claims_digest, next: 0 })
    }

    /// The next pair of messages.
    pub fn next_pair(&mut self) -> Result<Pair, Error> {
        let n = self.next;
        self.next = n.checked_add(1).ok_or(Error::TooLarge(Part::Frame))?;
        Ok(Pair {
            n,
            request: Secret::new(self.numbered("capelet/1/request-secret", n)),
            response: Secret::new(self.numbered("capelet/1/response-secret", n)),
        })
    }

    /// The salt of commitment `i` of pair `n`: 0 the output, 1… the inputs.
    pub fn salt(&self, n: u64, i: u32) -> [u8; 32] {
        *self.exporter.export(&[b"capelet/1/salt".as_slice(), &n.to_be_bytes(), &i.to_be_bytes()].concat())
    }

    /// SHA-384 of the claims: a request's associated data and the external data of its signature.
    pub fn claims_digest(&self) -> &[u8; 48] {
        &self.claims_digest
    }

    fn numbered(&self, label: &str, n: u64) -> Zeroizing<[u8; 32]> {
        self.exporter.export(&[label.as_bytes(), &n.to_be_bytes()].concat())
    }
}
