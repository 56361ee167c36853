//! The handshake inside TLS: hello, [document, claims], enc. The secrets of all messages derive from it.

use crate::attestation::SUITE;
#[cfg(feature = "outside")]
use crate::attestation::{MAX_CLAIMS, MAX_DOCUMENT, SessionClaims, TrustMode, exporter_claim};
use crate::crypto::{Exporter, KemSecret, Secret, decap, sha384};
use crate::encoding::{Reader, Writer};
use crate::types::{ClaimsDigest, Nonce, Salt};
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The protocol's version.
pub const VERSION: u64 = 1;
/// The application protocol of the TLS connection (RFC 7301).
pub const ALPN: &[u8] = b"capelet/1";

/// A client's first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The nonce, which the document must repeat.
    pub nonce: Nonce,
    /// The offered suites, 1 to 4 of them.
    pub suites: Vec<u64>,
}

impl Hello {
    /// The longest hello, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Reads a hello.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Hello`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Hello)?;
        if reader.map(3)?.key(1)?.uint()? != VERSION {
            return Err(Error::Malformed(MessageKind::Hello));
        }
        let (nonce, count) = (reader.key(2)?.fixed()?, reader.key(3)?.any_array()?);
        if !(1..=4).contains(&count) {
            return Err(Error::Malformed(MessageKind::Hello));
        }
        let suites = (0..count).map(|_| reader.uint()).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { nonce, suites })
    }

    /// The hello's bytes.
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(3).uint(1).uint(VERSION).uint(2).bytes(self.nonce).uint(3).array(self.suites.len() as u64);
        for suite in &self.suites {
            writer.uint(*suite);
        }
        writer.finish()
    }

    /// Whether the client offers the one suite.
    pub fn offers_suite(&self) -> bool {
        self.suites.contains(&SUITE)
    }
}

/// The enclave's answer: a document, and the claims that it vouches for.
pub fn encode_evidence(document: &[u8], claims: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).bytes(document).bytes(claims);
    writer.finish()
}

/// The document and the claims of an enclave's answer, *not verified*.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::SessionClaims`].
#[cfg(feature = "outside")]
pub fn parse_evidence(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut reader = Reader::new(bytes, MessageKind::SessionClaims)?;
    let (document, claims) = (reader.array(2)?.bytes(1, MAX_DOCUMENT)?, reader.bytes(1, MAX_CLAIMS)?);
    reader.end()?;
    Ok((document, claims))
}

/// Reads claims as the client, and checks that they are about this hello and this TLS connection. The document that
/// vouches for them is verified separately.
///
/// # Errors
/// [`Error::ClaimsMismatch`] for another hello or a suite that was not offered; [`Error::ExporterMismatch`]; those of
/// [`SessionClaims::parse`].
#[cfg(feature = "outside")]
pub fn check_session_claims(
    hello: &[u8],
    exporter: &[u8; 32],
    claims: &[u8],
    mode: TrustMode,
) -> Result<SessionClaims, Error> {
    let offered = Hello::parse(hello)?.offers_suite();
    let claims = SessionClaims::parse(claims, mode)?;
    if claims.hello != sha384(&[hello]) || !offered {
        return Err(Error::ClaimsMismatch);
    }
    if claims.exporter != exporter_claim(exporter) {
        return Err(Error::ExporterMismatch);
    }
    Ok(claims)
}

/// HPKE's `info` for a session.
fn info(claims_digest: &ClaimsDigest) -> Vec<u8> {
    [b"capelet/1/session-info\0".as_slice(), claims_digest.as_bytes()].concat()
}

/// The secrets of a session's messages. Each is given out once.
pub struct SessionSecrets {
    exporter: Exporter,
    claims_digest: ClaimsDigest,
    next: u64,
}

/// The secrets of one request and its response.
pub struct MessagePair {
    /// The pair's number.
    pub n: u64,
    /// For the request's stream.
    pub request: Secret,
    /// For the response's stream.
    pub response: Secret,
}

impl SessionSecrets {
    /// The client's side; also gives `enc`, which the client sends once. `entropy` must be fresh and used for nothing
    /// else.
    ///
    /// # Errors
    /// Those of [`encap`](crate::crypto::encap).
    #[cfg(feature = "outside")]
    pub fn client(
        entropy: &Zeroizing<[u8; 64]>,
        kem_public: &crate::crypto::KemPublicKey,
        claims: &[u8],
    ) -> Result<([u8; crate::crypto::ENC_LEN], Self), Error> {
        let claims_digest = ClaimsDigest::new(sha384(&[claims]));
        let (enc, exporter) = crate::crypto::encap(entropy, kem_public, &info(&claims_digest))?;
        Ok((enc, Self { exporter, claims_digest, next: 0 }))
    }

    /// The enclave's side.
    ///
    /// # Errors
    /// Those of [`decap`].
    pub fn enclave(secret: &KemSecret, enc: &[u8], claims: &[u8]) -> Result<Self, Error> {
        let claims_digest = ClaimsDigest::new(sha384(&[claims]));
        let exporter = decap(secret, enc, &info(&claims_digest))?;
        Ok(Self { exporter, claims_digest, next: 0 })
    }

    /// The secrets of the next request and its response.
    ///
    /// # Errors
    /// [`Error::TooLarge`] of [`MessageKind::Frame`] after 2^64 - 1 pairs.
    pub fn next_pair(&mut self) -> Result<MessagePair, Error> {
        let n = self.next;
        self.next = n.checked_add(1).ok_or(Error::TooLarge(MessageKind::Frame))?;
        Ok(MessagePair {
            n,
            request: Secret::new(self.numbered("capelet/1/request-secret", n, &[])),
            response: Secret::new(self.numbered("capelet/1/response-secret", n, &[])),
        })
    }

    /// The salt of commitment `i` of pair `n`: 0 for the output, 1… for the inputs.
    pub fn salt(&self, n: u64, i: u32) -> Salt {
        Salt::new(*self.numbered("capelet/1/salt", n, &i.to_be_bytes()))
    }

    /// The salt of the commitment to the encrypted file of input `i`, from 1, of pair `n`.
    pub fn ciphertext_salt(&self, n: u64, i: u32) -> Salt {
        Salt::new(*self.numbered("capelet/1/salt-ct", n, &i.to_be_bytes()))
    }

    /// The digest of the claims: the associated data of a request, and the external data of its signature.
    pub fn claims_digest(&self) -> &ClaimsDigest {
        &self.claims_digest
    }

    /// Export(`label` ‖ u64be `n` ‖ `rest`).
    fn numbered(&self, label: &str, n: u64, rest: &[u8]) -> Zeroizing<[u8; 32]> {
        self.exporter.export(&[label.as_bytes(), &n.to_be_bytes(), rest].concat())
    }
}
