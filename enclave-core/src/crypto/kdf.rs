//! HKDF-SHA256 (RFC 5869), as the protocol uses it: every input key and every output has 32 bytes.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Expand(secret, info), where info is the concatenated parts.
pub(crate) fn expand(secret: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // RFC 5869, 2.3: the secret is as long as a digest, and one block of at most 255 is asked for. Neither can fail.
    #[allow(clippy::expect_used)]
    Hkdf::<Sha256>::from_prk(secret)
        .expect("as long as a digest")
        .expand_multi_info(info, out.as_mut_slice())
        .expect("one block");
    out
}

/// Expand(Extract(salt, ikm), info), where info is the concatenated parts.
pub(crate) fn derive(salt: &[u8; 32], ikm: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // RFC 5869, 2.3: one block of at most 255 is asked for. It cannot fail.
    #[allow(clippy::expect_used)]
    Hkdf::<Sha256>::new(Some(salt), ikm).expand_multi_info(info, out.as_mut_slice()).expect("one block");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_the_parts_of_info_and_gives_the_first_32_bytes() {
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
