//! An attestation document: a COSE_Sign1 over a map of nine keys in AWS's order.

use super::chain::Leaf;
use super::pcr::Bank;
use crate::{Error, cose};
use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Digest};

/// The fields of a document that the enclave chooses.
pub struct DocumentRequest {
    /// At most 512 bytes.
    pub user_data: Option<Vec<u8>>,
    /// At most 512 bytes.
    pub nonce: Option<Vec<u8>>,
    /// At most 1,024 bytes.
    pub public_key: Option<Vec<u8>>,
}

/// Makes a document of `time` (milliseconds since 1970), and signs it with the leaf's key.
///
/// With `indefinite` the map of the payload has indefinite length.
///
/// # Errors
/// [`Error::Key`].
pub fn sign(
    module: &str,
    time: u64,
    bank: &Bank,
    leaf: &Leaf<'_>,
    asked: DocumentRequest,
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
        // The first byte of a map of nine becomes that of an indefinite map, which a break ends. The rest stays equal.
        payload[0] = 0xbf;
        payload.push(0xff);
    }
    let signature = leaf.sign(&cose::to_be_signed(&payload))?;
    Ok(cose::encode(&payload, &signature))
}
