//! What a session's document vouches for: `user_data` is the digest of these claims.

use crate::cbor::{Reader, Writer};
use crate::config::{self, Arn};
use crate::{Error, Part, digest, seal};
use alloc::vec::Vec;

/// Label of a session's claims; also their first entry.
pub const SESSION: &str = "capelet/1/session";
/// Label of the TLS exporter (RFC 8446, 7.5).
pub const EXPORTER: &str = "EXPORTER-capelet-1-session";
/// The one suite: X-Wing, HKDF-SHA256, export-only; AES-256-GCM.
pub const SUITE: u64 = 1;
/// Length of a suite's public key (X-Wing), in bytes.
pub const KEM_PUBLIC_LEN: usize = 1216;
/// The longest claims, in bytes.
pub const MAX_CLAIMS: usize = 20_000;

/// Whether a development root signs: only then may there be no configuration and no KMS key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Amazon's root.
    Production,
    /// A root that somebody's own machine made.
    Development,
}

/// What the enclave read of a KMS key, as digests: the texts go to the client, who judges them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsState {
    /// The key.
    pub arn: Arn,
    /// SHA-384 of the policy's text; none: it could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of `describe`; none: it could not be read.
    pub describe: Option<[u8; 48]>,
    /// When it was read, in milliseconds since 1970.
    pub read: u64,
}

impl KmsState {
    /// Reads a kms-state.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.map(4)?;
        reader.key(1)?;
        let arn = Arn::parse(reader.text(config::ARN_MIN, config::ARN_MAX)?)?;
        reader.key(2)?;
        let policy = reader.nullable(Reader::fixed)?;
        reader.key(3)?;
        let describe = reader.nullable(Reader::fixed)?;
        reader.key(4)?;
        Ok(Self { arn, policy, describe, read: reader.uint()? })
    }

    /// Writes a kms-state.
    pub fn write(&self, writer: &mut Writer) {
        let digest = |writer: &mut Writer, digest: [u8; 48]| {
            writer.bytes(&digest);
        };
        writer.map(4).uint(1).text(self.arn.text()).uint(2).nullable(self.policy, digest);
        writer.uint(3).nullable(self.describe, digest).uint(4).uint(self.read);
    }
}

/// What a session's document vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClaims {
    /// SHA-384 of the hello.
    pub hello: [u8; 48],
    /// SHA-256 of the TLS exporter over the hello's digest.
    pub exporter: [u8; 32],
    /// The KEM key made for this session.
    pub kem_public: [u8; KEM_PUBLIC_LEN],
    /// The key that signs this boot's receipts.
    pub receipt_key: [u8; 32],
    /// The configuration, whole; empty only under a development root.
    pub configuration: Vec<u8>,
    /// What was read of the configuration's KMS key.
    pub kms: Option<KmsState>,
}

impl SessionClaims {
    /// Reads claims, whoever made them.
    pub fn parse(bytes: &[u8], regime: Regime) -> Result<Self, Error> {
        if bytes.len() > MAX_CLAIMS {
            return Err(Error::TooLarge(Part::SessionClaims));
        }
        let mut reader = Reader::new(bytes, Part::SessionClaims)?;
        reader.map(8)?;
        reader.key(1)?;
        reader.literal(SESSION)?;
        reader.key(2)?;
        let hello = reader.fixed()?;
        reader.key(3)?;
        let exporter = reader.fixed()?;
        reader.key(4)?;
        if reader.uint()? != SUITE {
            return Err(Error::Malformed(Part::SessionClaims));
        }
        reader.key(5)?;
        let kem_public = reader.fixed()?;
        seal::check_public(&kem_public)?;
        reader.key(6)?;
        let receipt_key = reader.fixed()?;
        reader.key(7)?;
        let configuration = reader.bytes(0, config::MAX_CONFIGURATION)?.to_vec();
        reader.key(8)?;
        let kms = reader.nullable(KmsState::read)?;
        reader.end()?;
        check_surroundings(&configuration, kms.as_ref(), regime)?;
        Ok(Self { hello, exporter, kem_public, receipt_key, configuration, kms })
    }

    /// The claims' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(8).uint(1).text(SESSION).uint(2).bytes(&self.hello).uint(3).bytes(&self.exporter);
        writer.uint(4).uint(SUITE).uint(5).bytes(&self.kem_public).uint(6).bytes(&self.receipt_key);
        writer.uint(7).bytes(&self.configuration).uint(8);
        writer.nullable(self.kms.as_ref(), |writer, kms| kms.write(writer));
        writer.finish()
    }
}

/// Configuration and key state, in claims of either kind: of their form, and absent only under a development root.
pub fn check_surroundings(configuration: &[u8], kms: Option<&KmsState>, regime: Regime) -> Result<(), Error> {
    if !configuration.is_empty() {
        config::Configuration::parse(configuration)?;
    }
    if regime == Regime::Production && (configuration.is_empty() || kms.is_none()) {
        return Err(Error::DevelopmentOnly);
    }
    Ok(())
}

/// `user_data` of the document that vouches for a session's claims.
pub fn session_user_data(claims: &[u8]) -> [u8; 48] {
    digest::labelled(SESSION, claims)
}

/// SHA-256 of the exporter, as claims hold it.
pub fn exporter_claim(exporter: &[u8; 32]) -> [u8; 32] {
    digest::sha256(&[exporter])
}
