//! What a session's document vouches for: its `user_data` is the digest of these claims.

#[cfg(feature = "outside")]
use crate::configuration::{Configuration, MAX_CONFIGURATION};
#[cfg(feature = "outside")]
use crate::crypto::KEM_PUBLIC_LEN;
use crate::crypto::{KemPublicKey, labelled_sha384, sha256};
#[cfg(feature = "outside")]
use crate::encoding::Reader;
use crate::encoding::Writer;
use crate::kms::KmsKeyState;
use crate::types::ReceiptKey;
#[cfg(feature = "outside")]
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// Label of a session's claims; also their first entry.
const SESSION: &str = "capelet/1/session";
/// Label of the TLS exporter (RFC 8446, 7.5).
pub const EXPORTER_LABEL: &str = "EXPORTER-capelet-1-session";
/// The one suite: X-Wing, HKDF-SHA256, export-only; AES-256-GCM.
pub const SUITE: u64 = 1;
/// The longest claims, in bytes.
#[cfg(feature = "outside")]
pub const MAX_CLAIMS: usize = 20_000;

/// Which root signs documents. Only under a development root may claims lack a configuration and a KMS key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustMode {
    /// Amazon's root.
    Production,
    /// A root that was made on a development machine.
    Development,
}

/// What a session's document vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClaims {
    /// SHA-384 of the hello.
    pub hello: [u8; 48],
    /// SHA-256 of the TLS exporter over the hello's digest.
    pub exporter: [u8; 32],
    /// The public key of the KEM key made for this session.
    pub kem_public: KemPublicKey,
    /// The key that signs this boot's receipts.
    pub receipt_key: ReceiptKey,
    /// The whole configuration; empty only under a development root.
    pub configuration: Vec<u8>,
    /// The state of the configuration's KMS key; `None` only under a development root.
    pub kms: Option<KmsKeyState>,
    /// How many bytes of memory all sessions together may reserve.
    pub memory: u64,
}

impl SessionClaims {
    /// Reads claims, *not verified*: the document that vouches for them is checked separately.
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Malformed`] of [`MessageKind::SessionClaims`] or of a part;
    /// [`Error::DevelopmentOnly`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8], mode: TrustMode) -> Result<Self, Error> {
        if bytes.len() > MAX_CLAIMS {
            return Err(Error::TooLarge(MessageKind::SessionClaims));
        }
        let mut reader = Reader::new(bytes, MessageKind::SessionClaims)?;
        reader.map(9)?.key(1)?.literal(SESSION)?;
        let (hello, exporter) = (reader.key(2)?.fixed()?, reader.key(3)?.fixed()?);
        if reader.key(4)?.uint()? != SUITE {
            return Err(Error::Malformed(MessageKind::SessionClaims));
        }
        let kem_public = KemPublicKey::parse(reader.key(5)?.bytes(KEM_PUBLIC_LEN, KEM_PUBLIC_LEN)?)?;
        let receipt_key = reader.key(6)?.fixed()?;
        let configuration = reader.key(7)?.bytes(0, MAX_CONFIGURATION)?.to_vec();
        let (kms, memory) = (reader.key(8)?.nullable(KmsKeyState::read)?, reader.key(9)?.uint()?);
        reader.end()?;
        check_environment(&configuration, kms.as_ref(), mode)?;
        Ok(Self { hello, exporter, kem_public, receipt_key, configuration, kms, memory })
    }

    /// The claims' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(9).uint(1).text(SESSION).uint(2).bytes(self.hello).uint(3).bytes(self.exporter);
        writer.uint(4).uint(SUITE).uint(5).bytes(self.kem_public.as_bytes()).uint(6).bytes(self.receipt_key);
        writer.uint(7).bytes(&self.configuration).uint(8);
        writer.nullable(self.kms.as_ref(), |writer, kms| kms.write(writer));
        writer.uint(9).uint(self.memory);
        writer.finish()
    }
}

/// Checks configuration and key state in claims of either kind: valid, and absent only under a development root.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Configuration`]; [`Error::DevelopmentOnly`].
#[cfg(feature = "outside")]
pub(super) fn check_environment(configuration: &[u8], kms: Option<&KmsKeyState>, mode: TrustMode) -> Result<(), Error> {
    if !configuration.is_empty() {
        Configuration::parse(configuration)?;
    }
    if mode == TrustMode::Production && (configuration.is_empty() || kms.is_none()) {
        return Err(Error::DevelopmentOnly);
    }
    Ok(())
}

/// The `user_data` of the document that vouches for a session's claims.
pub fn session_user_data(claims: &[u8]) -> [u8; 48] {
    labelled_sha384(SESSION, claims)
}

/// SHA-256 of the TLS exporter, as claims have it.
pub fn exporter_claim(exporter: &[u8; 32]) -> [u8; 32] {
    sha256(&[exporter])
}
