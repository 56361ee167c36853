//! vault-create: the enclave makes a vault key and attests it. Nothing is stored before vault-confirm.

use crate::Error;
use crate::encoding::{Reader, Writer};
use crate::kms::AcceptedKey;
use crate::messages::request::{Params, Verb};
use crate::types::{Kid, Nonce};
use alloc::vec::Vec;

/// {1: epoch, 2: nonce, 3: previous kid / null, 4: ARN, 5 and 6: digests of policy and metadata}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultCreateParams {
    /// The key's number among its owner's keys.
    pub epoch: u64,
    /// The nonce, which the document must repeat.
    pub nonce: Nonce,
    /// The name of the owner's previous key.
    pub previous: Option<Kid>,
    /// The KMS key, as the client accepted it.
    pub key: AcceptedKey,
}

impl Params for VaultCreateParams {
    const VERB: Verb = Verb::VaultCreate;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (epoch, nonce) = (reader.map(6)?.key(1)?.uint()?, reader.key(2)?.fixed()?);
        let previous = reader.key(3)?.nullable(Reader::fixed)?;
        Ok(Self { epoch, nonce, previous, key: AcceptedKey::read(reader, 4)? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(6).uint(1).uint(self.epoch).uint(2).bytes(self.nonce);
        writer.uint(3).nullable(self.previous, |writer, kid| {
            writer.bytes(kid);
        });
        self.key.write(writer, 4);
    }
}

/// {1: document, 2: claims}: the result of vault-create and of vault-attest, which the owner verifies and signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultOffer {
    /// The attestation document.
    pub document: Vec<u8>,
    /// The claims, encoded; see [`VaultClaims`](crate::attestation::VaultClaims).
    pub claims: Vec<u8>,
}

impl VaultOffer {
    /// The result's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(2).uint(1).bytes(&self.document).uint(2).bytes(&self.claims);
        writer.finish()
    }

    /// Reads a result, *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`](crate::MessageKind::Response).
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        use crate::attestation::{MAX_CLAIMS, MAX_DOCUMENT};
        let mut reader = Reader::new(bytes, crate::MessageKind::Response)?;
        let document = reader.map(2)?.key(1)?.bytes(1, MAX_DOCUMENT)?.to_vec();
        let claims = reader.key(2)?.bytes(1, MAX_CLAIMS)?.to_vec();
        reader.end()?;
        Ok(Self { document, claims })
    }
}
