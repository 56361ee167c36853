use super::*;
use capelet_hostile_bytes::byte_flips;

/// Bytes in hexadecimal.
fn hex<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    }
    assert_eq!(text.len(), 2 * N);
    bytes
}

/// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
#[test]
fn seals_and_opens_the_gcm_vector_of_its_authors() {
    let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let nonce = hex("cafebabefacedbaddecaf888");
    let aad: [u8; 20] = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain: [u8; 60] = hex(concat!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    ));
    let sealed: [u8; 60] = hex(concat!(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    ));
    let cipher = AwsLc::aes_256_gcm(&key).unwrap();
    let mut data = plain.to_vec();
    let tag = cipher.seal(&nonce, &aad, &mut data).unwrap();
    assert_eq!((data.as_slice(), tag), (&sealed[..], hex("76fc6ece0f4e1768cddf8853bb2d551b")));
    data.extend_from_slice(&tag);
    assert_eq!(cipher.open(&nonce, &aad, &mut data.clone()).unwrap(), plain);
    for mut flip in byte_flips(&data, 1) {
        assert_eq!(cipher.open(&nonce, &aad, &mut flip.bytes), Err(Error::CannotOpen), "byte {}", flip.at);
    }
    assert_eq!(cipher.open(&nonce, &[], &mut data.clone()), Err(Error::CannotOpen));
    assert_eq!(cipher.open(&nonce, &aad, &mut [0; 15]), Err(Error::CannotOpen));
}

/// NIST SP 800-38A, F.2.5, with the block of padding that PKCS #7 puts behind whole blocks.
#[test]
fn opens_the_cbc_vector_of_nist() {
    let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    let iv = hex("000102030405060708090a0b0c0d0e0f");
    let plain: [u8; 64] = hex(concat!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    ));
    let sealed: [u8; 80] = hex(concat!(
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
        "3f461796d6b0d6b2e0c2a72b4d80e644",
    ));
    assert_eq!(AwsLc::aes_256_cbc(&key, &iv, &sealed).unwrap().as_slice(), plain);
    // Invalid padding, half a block, no block, a block that decrypts to invalid padding.
    for wrong in [&sealed[..64], &sealed[..79], &[], &[0; 16]] {
        assert_eq!(AwsLc::aes_256_cbc(&key, &iv, wrong), Err(Error::CannotOpen));
    }
}
