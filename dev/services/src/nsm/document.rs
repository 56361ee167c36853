//! An attestation document: an untagged COSE_Sign1 over a map of nine keys in AWS' order.

use super::chain::Leaf;
use super::pcr::Bank;
use crate::Error;
use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Digest};
use minicbor::Encoder;

/// {1: -35}, ES384, the one protected header (RFC 9052, 3; RFC 9053, 2.1).
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// What the enclave wants in its document.
pub struct Asked {
    /// At most 512 bytes.
    pub user_data: Option<Vec<u8>>,
    /// At most 512 bytes.
    pub nonce: Option<Vec<u8>>,
    /// At most 1,024 bytes.
    pub public_key: Option<Vec<u8>>,
}

/// A document of `time` (milliseconds since 1970), signed by the leaf.
pub fn sign(
    module: &str,
    time: u64,
    bank: &Bank,
    leaf: &Leaf<'_>,
    asked: Asked,
    indefinite: bool,
) -> Result<Vec<u8>, Error> {
    let mut payload = AttestationDoc::new(
        module.to_string(),
        Digest::SHA384,
        time,
        bank.locked().map(|(index, value)| (usize::from(index), value.to_vec())).collect(),
        leaf.certificate.clone(),
        leaf.cabundle.to_vec(),
        asked.user_data,
        asked.nonce,
        asked.public_key,
    )
    .to_binary();
    if indefinite {
        // A map of nine becomes one that a break ends; nothing inside changes.
        payload[0] = 0xbf;
        payload.push(0xff);
    }
    let signature =
        leaf.sign(&encoded(|to| to.array(4)?.str("Signature1")?.bytes(&PROTECTED)?.bytes(&[])?.bytes(&payload)?.ok()))?;
    Ok(encoded(|to| to.array(4)?.bytes(&PROTECTED)?.map(0)?.bytes(&payload)?.bytes(&signature)?.ok()))
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encoded(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing into memory cannot fail.
    let _ = write(&mut encoder);
    encoder.into_writer()
}
