//! CMS EnvelopedData (RFC 5652, section 6), written in DER.

use crate::der::element;

/// Encodes a message to one recipient with the algorithms that KMS uses: RSAES-OAEP with SHA-256, and AES-256-CBC.
pub fn encode(recipient: &[u8; 32], encrypted_key: &[u8], iv: &[u8; 16], content: &[u8]) -> Vec<u8> {
    let oid = |last: &[u8]| element(6, &[last]);
    let pkcs = |last: &[u8]| oid(&[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1], last].concat());
    let nist = |last: &[u8]| oid(&[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4], last].concat());
    let sha256 = element(0x30, &[&nist(&[2, 1])]);
    let mgf1 = element(0x30, &[&pkcs(&[1, 8]), &sha256]);
    let parameters = element(0x30, &[&element(0xa0, &[&sha256]), &element(0xa1, &[&mgf1])]);
    let oaep = element(0x30, &[&pkcs(&[1, 7]), &parameters]);
    let version = element(2, &[&[2]]);
    let recipient = element(0x80, &[recipient]);
    let recipient_info = element(0x30, &[&version, &recipient, &oaep, &element(4, &[encrypted_key])]);
    let cbc = element(0x30, &[&nist(&[1, 0x2a]), &element(4, &[iv])]);
    let encrypted_content = element(0x30, &[&pkcs(&[7, 1]), &cbc, &element(0x80, &[content])]);
    let enveloped = element(0x30, &[&version, &element(0x31, &[&recipient_info]), &encrypted_content]);
    element(0x30, &[&pkcs(&[7, 3]), &element(0xa0, &[&enveloped])])
}
