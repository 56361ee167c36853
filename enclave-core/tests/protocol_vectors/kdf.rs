//! HKDF-Expand (RFC 5869, 2.3), without the code under test.

use hkdf::Hkdf;
use sha2::Sha256;

/// 32 bytes from a pseudorandom key and the concatenated parts of `info`.
pub fn expand(prk: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::from_prk(prk).unwrap().expand_multi_info(info, &mut out).unwrap();
    out
}
