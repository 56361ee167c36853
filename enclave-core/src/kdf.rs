//! HKDF-SHA256 (RFC 5869), as the protocol uses it: 32 bytes in, 32 bytes out.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Expand(secret, info), the parts of `info` one after the other.
pub fn expand(secret: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // RFC 5869, 2.3: the secret is as long as a digest, and one block of the 255 is asked for. Neither can fail.
    #[allow(clippy::expect_used)]
    Hkdf::<Sha256>::from_prk(secret)
        .expect("as long as a digest")
        .expand_multi_info(info, out.as_mut_slice())
        .expect("one block");
    out
}

/// Expand(Extract(salt, ikm), info), the parts of `info` one after the other.
pub fn derive(salt: &[u8; 32], ikm: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // As above: one block.
    #[allow(clippy::expect_used)]
    Hkdf::<Sha256>::new(Some(salt), ikm).expand_multi_info(info, out.as_mut_slice()).expect("one block");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_32_bytes_are_the_beginning_of_more() {
        let (secret, salt) = ([1; 32], [2; 32]);
        assert_eq!(expand(&secret, &[b"a", b"", b"bc"]), expand(&secret, &[b"abc"]));
        assert_eq!(derive(&salt, &secret, &[b"a", b"bc"]), derive(&salt, &secret, &[b"abc"]));
        let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(&salt), &secret);
        let mut long = [0; 42];
        hkdf.expand(b"abc", &mut long).unwrap();
        assert_eq!(derive(&salt, &secret, &[b"abc"])[..], long[..32]);
        assert_eq!(expand(&prk.into(), &[b"abc"])[..], long[..32]);
    }
}
