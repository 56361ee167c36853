//! The time of a document: all that the enclave reads of its own documents.

use crate::time::UnixMillis;
use crate::{Error, MessageKind};
use minicbor::Decoder;
use minicbor::decode::Error as DecodeError;

/// When the NSM signed a document, *not verified*: an untagged COSE_Sign1 (RFC 9052, 4.2) whose payload is a map with
/// the entry `timestamp`. Clients read the whole document before they believe it; see [`Document`](super::Document).
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Document`].
pub fn document_time(document: &[u8]) -> Result<UnixMillis, Error> {
    timestamp(document).map(UnixMillis::new).map_err(|_| Error::Malformed(MessageKind::Document))
}

fn timestamp(document: &[u8]) -> Result<u64, DecodeError> {
    let mut message = Decoder::new(document);
    message.array()?;
    // The headers.
    message.skip()?;
    message.skip()?;
    let mut payload = Decoder::new(message.bytes()?);
    payload.map()?;
    // After the last entry no text follows, whether the map has a length or not.
    while payload.str()? != "timestamp" {
        payload.skip()?;
    }
    payload.u64()
}
