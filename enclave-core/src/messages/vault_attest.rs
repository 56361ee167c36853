//! vault-attest: the enclave attests a stored vault key anew. The result is a [`VaultOffer`](super::VaultOffer).

use crate::Error;
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::messages::request::{Params, Verb};
use crate::types::{Kid, Nonce};

/// {1: kid, 2: epoch, 3: nonce, 4: previous kid / null}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultAttestParams {
    /// The vault key's name.
    pub kid: Kid,
    /// The vault key's epoch.
    pub epoch: u64,
    /// The nonce, which the document must repeat.
    pub nonce: Nonce,
    /// The name of the owner's previous key, as in the statement that is renewed.
    pub previous: Option<Kid>,
}

impl Params for VaultAttestParams {
    const VERB: Verb = Verb::VaultAttest;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (kid, epoch) = (reader.map(4)?.key(1)?.fixed()?, reader.key(2)?.uint()?);
        let nonce = reader.key(3)?.fixed()?;
        Ok(Self { kid, epoch, nonce, previous: reader.key(4)?.nullable(Reader::fixed)? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(4).uint(1).bytes(self.kid).uint(2).uint(self.epoch).uint(3).bytes(self.nonce);
        writer.uint(4).nullable(self.previous, |writer, kid| {
            writer.bytes(kid);
        });
    }
}
