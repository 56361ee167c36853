//! `CiphertextForRecipient`: messages by KMS, messages by OpenSSL, and damaged ones.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use capelet_hostile_bytes::{byte_flips, truncations};
use enclave_core::Error;
use enclave_core::crypto::sha256;
use enclave_core::kms::{MAX_MESSAGE, Message, open_message};
use enclave_core::platform::Recipient;
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use zeroize::Zeroizing;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/kms/", $name))
    };
}

/// A recipient whose key the test knows.
pub struct Known {
    key: PrivateDecryptingKey,
    public: Vec<u8>,
}

impl Known {
    pub fn of(key: PrivateDecryptingKey) -> Self {
        let public = key.public_key().as_der().unwrap().as_ref().to_vec();
        Self { key, public }
    }

    pub fn public(&self) -> &[u8] {
        &self.public
    }
}

impl Recipient for Known {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = OaepPrivateDecryptingKey::new(self.key).unwrap();
        let mut out = vec![0; key.min_output_size()];
        let plain = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None).map_err(|_| Error::CannotOpen)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

/// The recipient of `enclaver.ber`.
fn enclaver() -> Known {
    static KEY: OnceLock<PrivateDecryptingKey> = OnceLock::new();
    let key = KEY.get_or_init(|| PrivateDecryptingKey::from_pkcs8(vector!("enclaver.key.der")).unwrap());
    Known::of(key.clone())
}

#[test]
fn opens_a_message_by_kms() {
    let plain = open_message::<AwsLc>(vector!("enclaver.ber"), Box::new(enclaver())).unwrap();
    assert_eq!(plain.as_slice(), vector!("enclaver.plain"));
}

#[test]
fn reads_messages_by_kms_and_opens_none_for_another_recipient() {
    let cases: [(&[u8], usize); 5] = [
        (vector!("enclaver.ber"), 16),
        (vector!("rustcrypto_1.ber"), 16),
        (vector!("rustcrypto_2.ber"), 48),
        (vector!("rustcrypto_3.ber"), 16),
        (vector!("rustcrypto_4.ber"), 4 * 1000 + 112),
    ];
    for (bytes, length) in cases {
        let message = Message::parse(bytes).unwrap();
        assert_eq!((message.encrypted_key.len(), message.content.len()), (256, length));
        assert_eq!(open_message::<AwsLc>(bytes, Box::new(fresh())).map(|_| ()), Err(Error::CannotOpen));
    }
}

#[test]
fn rejects_every_truncation_and_trailing_bytes() {
    for bytes in [&vector!("enclaver.ber")[..], vector!("rustcrypto_3.ber"), vector!("rustcrypto_4.ber")] {
        for truncated in truncations(bytes) {
            assert_eq!(Message::parse(truncated), Err(Error::CannotOpen), "{} bytes", truncated.len());
        }
        assert_eq!(Message::parse(&[bytes, &[0]].concat()), Err(Error::CannotOpen));
        assert_eq!(Message::parse(&[bytes, bytes].concat()), Err(Error::CannotOpen));
    }
    assert_eq!(Message::parse(&[0x30; MAX_MESSAGE + 1]), Err(Error::CannotOpen));
}

#[test]
fn a_flipped_byte_is_rejected_or_changes_the_plaintext() {
    for flip in byte_flips(vector!("enclaver.ber"), 1) {
        // CBC authenticates nothing. A changed IV changes the plaintext, and such a data key opens nothing. Every other
        // change gives an error.
        match open_message::<AwsLc>(&flip.bytes, Box::new(enclaver())) {
            Err(error) => assert_eq!(error, Error::CannotOpen, "{flip}"),
            Ok(plain) => assert_ne!(plain.as_slice(), vector!("enclaver.plain"), "{flip}"),
        }
    }
}

/// Replaces `old`, which must occur exactly once.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    assert_eq!(at.len(), 1);
    [&bytes[..at[0]], new, &bytes[at[0] + old.len()..]].concat()
}

#[test]
fn rejects_other_algorithms_versions_and_recipients() {
    let bytes = vector!("enclaver.ber");
    let rejects = |why: &str, old: &[u8], new: &[u8]| {
        assert_eq!(Message::parse(&replaced(bytes, old, new)), Err(Error::CannotOpen), "{why}");
    };
    rejects("AES-128", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a], &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x02]);
    let oaep = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
    rejects("RSAES-PKCS1-v1_5", &oaep, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
    let hash = [0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    rejects("SHA-384", &hash, &[&hash[..14], &[2]].concat());
    let mgf1 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    rejects("another mask generation function", &mgf1, &[&mgf1[..8], &[9]].concat());
    rejects("version 0", &[0x02, 1, 2, 0x31], &[0x02, 1, 0, 0x31]);
    rejects("version 3", &[0x02, 1, 2, 0x31], &[0x02, 1, 3, 0x31]);
    rejects("a recipient's version 0", &[0x02, 1, 2, 0x80, 0x20], &[0x02, 1, 0, 0x80, 0x20]);
    rejects(
        "signedData",
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3],
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2],
    );
    rejects("a length of two bytes where one would do", &[0x80, 0x20], &[0x80, 0x81, 0x20]);
    // The same recipient twice.
    let set = bytes.windows(2).position(|window| window == [0x31, 0x82]).unwrap();
    let length = usize::from(bytes[set + 2]) << 8 | usize::from(bytes[set + 3]);
    let recipient = &bytes[set + 4..set + 4 + length];
    let both = (2 * length as u16).to_be_bytes();
    let two = [&bytes[..set], &[0x31, 0x82], &both, recipient, recipient, &bytes[set + 4 + length..]].concat();
    assert_eq!(Message::parse(&two), Err(Error::CannotOpen));
}

#[test]
fn accepts_a_hash_without_parameters() {
    let bytes = vector!("enclaver.ber");
    // Without the NULL of the hash, the five lengths above it are two less.
    let hash = [0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 0x05, 0];
    let without = replaced(bytes, &hash, &[&[0xa0, 0x0d, 0x30, 0x0b], &hash[4..15]].concat());
    let without = replaced(&without, &[0x30, 0x3c], &[0x30, 0x3a]);
    let without = replaced(&without, &[0x30, 0x2f], &[0x30, 0x2d]);
    let without = replaced(
        &without,
        &[0x31, 0x82, 0x01, 0x6b, 0x30, 0x82, 0x01, 0x67],
        &[0x31, 0x82, 0x01, 0x69, 0x30, 0x82, 0x01, 0x65],
    );
    assert_eq!(Message::parse(&without), Message::parse(bytes));
}

/// Another recipient, with a new key.
fn fresh() -> Known {
    static KEY: OnceLock<PrivateDecryptingKey> = OnceLock::new();
    Known::of(KEY.get_or_init(|| PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap()).clone())
}

/// OpenSSL, with a certificate for a recipient's key.
pub struct Openssl(tempfile::TempDir);

impl Openssl {
    /// OpenSSL for `recipient`. The certificate names the recipient's key by `key_id`.
    pub fn new(recipient: &Known, key_id: &[u8]) -> Self {
        let openssl = Self(tempfile::tempdir().unwrap());
        let key_id: String = key_id.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(openssl.at("public.der"), recipient.public()).unwrap();
        fs::write(openssl.at("extensions"), format!("subjectKeyIdentifier={key_id}\n")).unwrap();
        openssl.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
        openssl.run("req -x509 -new -key ca.key -subj /CN=ca -out ca.pem");
        openssl.run("pkey -pubin -inform DER -in public.der -out public.pem");
        openssl.run(
            "x509 -new -force_pubkey public.pem -subj /CN=r -CA ca.pem -CAkey ca.key -extfile extensions -out r.pem",
        );
        openssl
    }

    /// A message to the recipient, with these options of `openssl cms`.
    pub fn encrypt(&self, plain: &[u8], options: &str) -> Vec<u8> {
        fs::write(self.at("plain"), plain).unwrap();
        self.run(&format!("cms -encrypt -binary -in plain -outform DER -out message -recip r.pem {options}"));
        fs::read(self.at("message")).unwrap()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let status = command.args(arguments.split(' ')).current_dir(self.0.path()).stderr(Stdio::null()).status();
        assert!(status.expect("openssl is installed").success(), "openssl {arguments}");
    }
}

/// The options with which OpenSSL's messages have the form of AWS's.
pub const OAEP: &str = "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256";

#[test]
fn opens_messages_by_openssl() {
    let openssl = Openssl::new(&fresh(), &sha256(&[fresh().public()]));
    for length in [0, 1, 15, 16, 32, 1_000, 4_096] {
        let plain: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        for stream in ["-stream ", ""] {
            let message = openssl.encrypt(&plain, &format!("{stream}-aes256 -keyid {OAEP}"));
            assert_eq!(
                open_message::<AwsLc>(&message, Box::new(fresh())).unwrap().as_slice(),
                plain,
                "{length} {stream}"
            );
        }
    }
}

#[test]
fn rejects_messages_by_openssl_of_another_form() {
    let cases = [
        ("another cipher", format!("-stream -aes128 -keyid {OAEP}")),
        ("another mode", format!("-stream -aes-256-gcm -keyid {OAEP}")),
        ("issuer and serial number", format!("-stream -aes256 {OAEP}")),
        ("SHA-1", "-stream -aes256 -keyid -keyopt rsa_padding_mode:oaep".into()),
        ("MGF1 with SHA-1", OAEP.replace("mgf1_md:sha256", "mgf1_md:sha1") + " -stream -aes256 -keyid"),
        ("a label", format!("-stream -aes256 -keyid {OAEP} -keyopt rsa_oaep_label:00")),
        ("no OAEP", "-stream -aes256 -keyid".into()),
        ("two recipients", format!("-stream -aes256 -keyid {OAEP} r.pem")),
    ];
    let openssl = Openssl::new(&fresh(), &sha256(&[fresh().public()]));
    for (why, options) in cases {
        let message = openssl.encrypt(&[7; 32], &options);
        assert_eq!(open_message::<AwsLc>(&message, Box::new(fresh())).map(|_| ()), Err(Error::CannotOpen), "{why}");
    }
    let another = Openssl::new(&fresh(), &[9; 32]);
    let message = another.encrypt(&[7; 32], &format!("-stream -aes256 -keyid {OAEP}"));
    assert_eq!(
        open_message::<AwsLc>(&message, Box::new(fresh())).map(|_| ()),
        Err(Error::CannotOpen),
        "another key's id"
    );
}

/// Everything in the message is valid except the length of the content-encryption key.
#[test]
fn rejects_a_content_encryption_key_of_another_length() {
    struct Short(Known);
    impl Recipient for Short {
        fn public_key(&self) -> &[u8] {
            self.0.public_key()
        }
        fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
            let mut key = Box::new(self.0).open(encrypted)?;
            key.truncate(16);
            Ok(key)
        }
    }
    let opened = open_message::<AwsLc>(vector!("enclaver.ber"), Box::new(Short(enclaver())));
    assert_eq!(opened.map(|_| ()), Err(Error::CannotOpen));
}

proptest! {
    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Message::parse(&bytes).is_err());
    }

    #[test]
    fn spliced_bytes_never_panic(at in 0usize..461, with in proptest::collection::vec(any::<u8>(), 0..6), gone in 0usize..6) {
        let mut bytes = vector!("enclaver.ber").to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, with);
        let whole = bytes == vector!("enclaver.ber");
        let opened = open_message::<AwsLc>(&bytes, Box::new(enclaver()));
        prop_assert_eq!(opened.is_ok_and(|plain| plain.as_slice() == vector!("enclaver.plain")), whole);
    }
}
