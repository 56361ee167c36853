//! vault-attest: the enclave attests a stored vault key anew. The result is a [`VaultOffer`](super::VaultOffer).

use crate::Error;
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::messages::request::{Params, Verb};
use crate::types::{Kid, Nonce};

/// {1: kid, 2: epoch, 3: nonce}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultAttestParams {
    /// The vault key's name.
    pub kid: Kid,
    /// The vault key's epoch.
    pub epoch: u64,
    /// The nonce, which the document must repeat.
    pub nonce: Nonce,
}

impl Params for VaultAttestParams {
    const VERB: Verb = Verb::VaultAttest;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.map(3)?;
        reader.key(1)?;
        let kid = reader.fixed()?;
        reader.key(2)?;
        let epoch = reader.uint()?;
        reader.key(3)?;
        Ok(Self { kid, epoch, nonce: reader.fixed()? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(3).uint(1).bytes(self.kid).uint(2).uint(self.epoch).uint(3).bytes(self.nonce);
    }
}
