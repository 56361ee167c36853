//! COSE_Sign1 (RFC 9052) in the form of an attestation document: untagged, signed with ES384, no unprotected header.

use minicbor::{Decoder, Encoder};

/// The protected header `{1: -35}`, encoded: ES384 (RFC 9052, 3; RFC 9053, 2.1).
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// The bytes that a signer signs for this payload: a Sig_structure (RFC 9052, 4.4).
pub fn to_be_signed(payload: &[u8]) -> Vec<u8> {
    encoded(|to| to.array(4)?.str("Signature1")?.bytes(&PROTECTED)?.bytes(&[])?.bytes(payload)?.ok())
}

/// The COSE_Sign1 with this payload and this signature (r ‖ s, 96 bytes).
pub fn encode(payload: &[u8], signature: &[u8]) -> Vec<u8> {
    encoded(|to| to.array(4)?.bytes(&PROTECTED)?.map(0)?.bytes(payload)?.bytes(signature)?.ok())
}

/// The payload and the signature. `None` if the bytes are not a COSE_Sign1 of this form. The signature is not verified.
pub fn parse(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut decoder = Decoder::new(document);
    let whole =
        decoder.array().ok()? == Some(4) && decoder.bytes().ok()? == PROTECTED && decoder.map().ok()? == Some(0);
    let (payload, signature) = (decoder.bytes().ok()?, decoder.bytes().ok()?);
    (whole && decoder.position() == document.len()).then_some((payload, signature))
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encoded(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to memory cannot fail.
    let _ = write(&mut encoder);
    encoder.into_writer()
}
