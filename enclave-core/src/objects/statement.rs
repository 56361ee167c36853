//! Vault statements: what proves a vault key to anyone who encrypts to it. The document shows that an enclave made the
//! key, and the owner's record that the owner accepted it.

use crate::encoding::{Reader, Writer};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// A statement's bytes. `record` is the owner's signed record.
pub fn encode_statement(document: &[u8], claims: &[u8], record: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).bytes(document).bytes(claims).item(record);
    writer.finish()
}

/// The owner's signed record in a statement's bytes, *not verified*.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Statement`].
pub fn statement_record(statement: &[u8]) -> Result<&[u8], Error> {
    let mut reader = Reader::new(statement, MessageKind::Statement)?;
    reader.array(3)?.item()?;
    reader.item()?;
    let record = reader.item()?;
    reader.end()?;
    Ok(record)
}

#[cfg(feature = "outside")]
pub use reading::{MAX_STATEMENT, Statement};

/// The sender's and the owner's side. No enclave reads a statement.
#[cfg(feature = "outside")]
mod reading {
    use crate::attestation::{MAX_CLAIMS, MAX_DOCUMENT, TrustMode, VaultClaims, vault_user_data};
    use crate::crypto::sha384;
    use crate::encoding::Reader;
    use crate::identity::VaultRecord;
    use crate::{Error, MessageKind};

    /// The longest statement, in bytes.
    pub const MAX_STATEMENT: usize = 65_536;

    /// A vault statement with a verified record.
    ///
    /// Holding one proves that the owner named in the claims signed for this document, these claims and this key. The
    /// document and the times are not verified, and the owner is not compared with the expected one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Statement<'a> {
        /// The attestation document. Its `user_data` must be [`Statement::user_data`].
        pub document: &'a [u8],
        /// The claims' bytes.
        pub claims_bytes: &'a [u8],
        /// The claims.
        pub claims: VaultClaims,
        /// The owner's record.
        pub record: VaultRecord,
    }

    impl<'a> Statement<'a> {
        /// Reads a statement and verifies its record.
        ///
        /// # Errors
        /// [`Error::TooLarge`], [`Error::Malformed`] or [`Error::Mismatch`] of [`MessageKind::Statement`] or of a part;
        /// [`Error::BadSignature`]; [`Error::DevelopmentOnly`].
        pub fn parse(bytes: &'a [u8], mode: TrustMode) -> Result<Self, Error> {
            if bytes.len() > MAX_STATEMENT {
                return Err(Error::TooLarge(MessageKind::Statement));
            }
            let mut reader = Reader::new(bytes, MessageKind::Statement)?;
            let (document, claims_bytes) = (reader.array(3)?.bytes(1, MAX_DOCUMENT)?, reader.bytes(1, MAX_CLAIMS)?);
            let record = reader.item()?;
            reader.end()?;
            let claims = VaultClaims::parse(claims_bytes, mode)?;
            let record = VaultRecord::verify(&claims.owner, record)?;
            let agree = record.epoch == claims.epoch
                && record.kid == claims.kid
                && record.document == sha384(&[document])
                && record.claims == sha384(&[claims_bytes])
                && claims.kms.as_ref().is_none_or(|kms| kms.arn == record.arn)
                && claims.images.contains(&record.image);
            let statement = Self { document, claims_bytes, claims, record };
            if agree { Ok(statement) } else { Err(Error::Mismatch(MessageKind::Statement)) }
        }

        /// What the document's `user_data` must be.
        pub fn user_data(&self) -> [u8; 48] {
            vault_user_data(self.claims_bytes)
        }
    }
}
