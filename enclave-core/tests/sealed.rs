//! HPKE, encrypted files, and stored objects whose key has two parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_hostile_bytes::{bit_flips, byte_flips, truncations};
use enclave_core::crypto::{
    COMMITMENT_LEN, Crypto, ENC_LEN, KEM_PUBLIC_LEN, KemPublicKey, KemSecret, TAG_LEN, decap, encap, seal_bytes,
};
use enclave_core::encoding::SecretVec;
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::messages::{BodyDigest, KeyShares, REQUEST, Request, Response, Status, Verb};
use enclave_core::objects::{
    Ciphertext, CiphertextHeader, ObjectAd, ObjectContent, Record, StoredObject, begin_encryption, kms_context,
    seal_object,
};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{
    Checksum, ClaimsDigest, DataKey, Deadline, Error, KeyShare, Kid, MessageKind, ObjectId, OwnerKey, Pcr,
    RequestDigest, RequestId, UnixMillis,
};
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use zeroize::Zeroizing;

const ARN: &str = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
const CONTENT: &[u8] = b"the core does not parse what it seals";

fn data_key(byte: u8) -> DataKey {
    DataKey::new(&[byte; 32])
}

fn key_share(byte: u8) -> KeyShare {
    KeyShare::new(&[byte; 32])
}

fn identity() -> Identity {
    Identity::from_secret(Zeroizing::new([9; 32]))
}

fn ad() -> ObjectAd {
    ObjectAd {
        content: ObjectContent::Function(Checksum::of(CONTENT)),
        owner: identity().owner(),
        id: ObjectId::new([4; 16]),
        version: 7,
        arn: Arn::parse(ARN).unwrap(),
        salt: [8; 16],
        image: Pcr::new([3; 48]),
    }
}

fn record() -> FunctionRecord {
    let ObjectAd { owner, id, version, arn, image, .. } = ad();
    FunctionRecord { owner, id, version, checksum: Checksum::of(CONTENT), issued: UnixMillis::new(1), arn, image }
}

fn signed_record() -> Vec<u8> {
    identity().sign1(FUNCTION_RECORD, &[], &record().encode())
}

fn seal(ad: &ObjectAd, wrapped: &[u8], record: &[u8], content: &[u8]) -> Result<Vec<u8>, Error> {
    seal_object::<AwsLc>(ad, wrapped, record, &data_key(1), &key_share(2), content)
}

fn stored() -> Vec<u8> {
    seal(&ad(), b"wrapped", &signed_record(), CONTENT).unwrap()
}

fn open(stored: &[u8]) -> Result<SecretVec, Error> {
    StoredObject::parse(stored)?.open::<AwsLc>(&data_key(1), &key_share(2))
}

#[test]
fn opens_only_with_the_data_key_and_the_key_share() {
    let stored = stored();
    let object = StoredObject::parse(&stored).unwrap();
    assert_eq!((&object.ad, object.wrapped, &object.record), (&ad(), &b"wrapped"[..], &Record::Function(record())));
    assert_eq!(object.open::<AwsLc>(&data_key(1), &key_share(2)).unwrap().as_slice(), CONTENT);
    for (data, share) in [(2, 1), (1, 0), (0, 2), (1, 1), (2, 2)] {
        let opened = object.open::<AwsLc>(&data_key(data), &key_share(share));
        assert_eq!(opened, Err(Error::CannotOpen), "data key {data}, key share {share}");
    }
}

/// AES-256-GCM that always fails with the error `Busy`, as without memory, or else with another one.
struct Failing<const BUSY: bool>;

impl<const BUSY: bool> Crypto for Failing<BUSY> {
    type Cipher = <AwsLc as Crypto>::Cipher;

    fn aes_256_gcm(_: &[u8; 32]) -> Result<Self::Cipher, Error> {
        Err(if BUSY { Error::BUSY } else { Error::ParentFailed })
    }

    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        AwsLc::aes_256_cbc(key, iv, data)
    }
}

#[test]
fn a_lack_of_memory_is_not_reported_as_a_damaged_object() {
    let stored = stored();
    let object = StoredObject::parse(&stored).unwrap();
    assert_eq!(object.open::<Failing<true>>(&data_key(1), &key_share(2)), Err(Error::BUSY));
    assert_eq!(object.open::<Failing<false>>(&data_key(1), &key_share(2)), Err(Error::CannotOpen));
}

#[test]
fn rejects_every_flipped_bit_and_every_truncation_of_an_object() {
    let stored = stored();
    let stream = stored.len() - CONTENT.len() - TAG_LEN - COMMITMENT_LEN;
    for flip in bit_flips(&stored) {
        let opened = open(&flip.bytes);
        assert!(opened.is_err(), "{flip}");
        if flip.at >= stream {
            assert_eq!(opened, Err(Error::CannotOpen), "{flip}");
        }
    }
    for truncated in truncations(&stored) {
        assert!(open(truncated).is_err(), "{} bytes", truncated.len());
    }
}

/// Both parts of the key are not enough to make an object of another owner: the record needs the owner's signature.
#[test]
fn seals_nothing_that_the_owners_record_does_not_name() {
    let thief = Identity::from_secret(Zeroizing::new([10; 32]));
    let forged = thief.sign1(FUNCTION_RECORD, &[], &record().encode());
    let error = |ad: &ObjectAd, record: &[u8], content: &[u8]| seal(ad, b"wrapped", record, content).err();
    assert_eq!(error(&ad(), &forged, CONTENT), Some(Error::BadSignature));
    assert_eq!(error(&ad(), &signed_record(), b"other content"), Some(Error::CannotOpen));
    for other in [
        ObjectAd { id: ObjectId::new([5; 16]), ..ad() },
        ObjectAd { version: 8, ..ad() },
        ObjectAd { content: ObjectContent::Function(Checksum::of(b"")), ..ad() },
        ObjectAd { arn: Arn::parse(&ARN.replace("138", "139")).unwrap(), ..ad() },
        ObjectAd { image: Pcr::new([4; 48]), ..ad() },
    ] {
        assert_eq!(error(&other, &signed_record(), CONTENT), Some(Error::Mismatch(MessageKind::Object)));
    }
    let of_thief = ObjectAd { owner: thief.owner(), ..ad() };
    assert_eq!(error(&of_thief, &forged, CONTENT), Some(Error::Mismatch(MessageKind::Record)));
    // The record of a function is not the record of a vault key.
    let vault_key = ObjectAd { content: ObjectContent::VaultKey(Kid::new([1; 32])), ..ad() };
    assert_eq!(error(&vault_key, &signed_record(), CONTENT), Some(Error::Malformed(MessageKind::Sign1)));
    let without_wrapped_key = seal(&ad(), b"", &signed_record(), CONTENT);
    assert_eq!(without_wrapped_key, Err(Error::Malformed(MessageKind::Object)));
}

#[test]
fn key_shares_differ_by_root_image_kind_id_and_version() {
    let share = |root: &[u8], image, kind, id, version| {
        let key = StoreKey { kind, owner: identity().owner(), id: ObjectId::new([id; 16]), version };
        identity().key_share(root, &Pcr::new([image; 48]), &key)
    };
    let shares = [
        share(b"r", 0, StoreKind::Function, 0, 0),
        share(b"R", 0, StoreKind::Function, 0, 0),
        share(b"r", 1, StoreKind::Function, 0, 0),
        share(b"r", 0, StoreKind::VaultKey, 0, 0),
        share(b"r", 0, StoreKind::Function, 1, 0),
        share(b"r", 0, StoreKind::Function, 0, 1),
    ];
    for (i, share) in shares.iter().enumerate() {
        assert!(shares[..i].iter().all(|other| other != share));
    }
    assert_eq!(identity().owner().fingerprint().len(), 32);
    assert_eq!(format!("{:?}", identity()), "Identity([redacted])");
}

fn vault_key() -> KemSecret {
    KemSecret::from_seed(&[5; 32]).unwrap()
}

fn header() -> CiphertextHeader {
    let kid = Kid::of(&vault_key().public());
    CiphertextHeader { owner: identity().owner(), kid, checksums: Some(vec![Checksum::new([1; 32])]) }
}

fn encrypt(plain: &[u8]) -> Vec<u8> {
    let begun = begin_encryption(&header(), &vault_key().public(), &[6; 64]).unwrap();
    let sealed = seal_bytes::<AwsLc>(begun.secret, &begun.aad, plain).unwrap();
    [begun.prefix, sealed].concat()
}

#[test]
fn a_file_opens_with_its_vault_key_only() {
    let file = encrypt(b"secret");
    let parsed = Ciphertext::parse(&file).unwrap();
    assert_eq!(parsed.header, header());
    assert_eq!(parsed.open::<AwsLc>(&identity().owner(), &vault_key()).unwrap().as_slice(), b"secret");
    let other = KemSecret::from_seed(&[7; 32]).unwrap();
    assert_eq!(parsed.open::<AwsLc>(&identity().owner(), &other), Err(Error::WrongKey));
    assert_eq!(parsed.open::<AwsLc>(&OwnerKey::new([0; 32]), &vault_key()), Err(Error::WrongOwner));
    assert_eq!(begin_encryption(&header(), &other.public(), &[6; 64]).err(), Some(Error::WrongKey));
}

#[test]
fn rejects_every_flipped_byte_and_every_truncation_of_a_file() {
    let file = encrypt(b"secret");
    let open = |file: &[u8]| Ciphertext::parse(file)?.open::<AwsLc>(&identity().owner(), &vault_key());
    for flip in byte_flips(&file, 0x40) {
        assert!(open(&flip.bytes).is_err(), "{flip}");
    }
    for truncated in truncations(&file) {
        assert!(open(truncated).is_err(), "{} bytes", truncated.len());
    }
}

#[test]
fn a_vault_key_is_sealed_only_with_its_own_seed() {
    let kid = Kid::of(&vault_key().public());
    let ad = ObjectAd { content: ObjectContent::VaultKey(kid), id: kid.object_id(), ..ad() };
    let ObjectAd { owner, version, arn, image, .. } = ad.clone();
    let record = VaultRecord { owner, epoch: version, kid, document: [0; 48], claims: [0; 48], arn, image };
    let record = identity().sign1(VAULT_RECORD, &[], &record.encode());
    let stored = seal(&ad, b"wrapped", &record, &[5; 32]).unwrap();
    assert_eq!(open(&stored).unwrap().as_slice(), [5; 32]);
    for seed in [&[6; 32][..], &[5; 31], b""] {
        assert_eq!(seal(&ad, b"wrapped", &record, seed), Err(Error::CannotOpen), "{seed:?}");
    }
}

#[test]
fn kms_contexts_differ_by_every_bit_of_the_associated_data() {
    let ad = ad().encode();
    let context = kms_context(&ad);
    assert_eq!(context.len(), 43);
    for flip in bit_flips(&ad) {
        assert_ne!(kms_context(&flip.bytes), context, "{flip}");
    }
}

#[test]
fn an_encrypted_file_is_known_by_its_first_four_bytes() {
    let file = encrypt(b"secret");
    assert!(Ciphertext::is_encrypted(&file) && Ciphertext::is_encrypted(b"CPLT"));
    for other in [&b""[..], b"CPL", b"CPLO", &file[1..]] {
        assert!(!Ciphertext::is_encrypted(other), "{other:?}");
    }
}

#[test]
fn a_header_names_at_most_1024_functions() {
    let checksum = |n: u16| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Checksum::new(bytes)
    };
    let most = CiphertextHeader { checksums: Some((0..1024).map(checksum).collect()), ..header() };
    let bytes = most.encode().unwrap();
    assert_eq!(CiphertextHeader::parse(&bytes), Ok(most));
    // One more, which no encoder writes: the array's length, then each checksum in 34 bytes.
    let at = bytes.len() - 1024 * 34 - 2;
    assert_eq!(bytes[at..at + 2], 1024u16.to_be_bytes());
    let more =
        [&bytes[..at], &1025u16.to_be_bytes(), &bytes[at + 2..], &[0x58, 32], checksum(1024).as_bytes()].concat();
    assert_eq!(CiphertextHeader::parse(&more), Err(Error::TooLarge(MessageKind::Ciphertext)));
}

/// A share of zeros is a point of small order: X25519 gives zeros for it (RFC 7748, 6.1). X-Wing hashes them together
/// with ML-KEM's secret.
#[test]
fn an_x25519_share_of_zeros_gives_another_secret_and_no_error() {
    let (mut enc, exporter) = encap(&[6; 64], &vault_key().public(), b"info").unwrap();
    assert_eq!(decap(&vault_key(), &enc, b"info").unwrap().export(b"x"), exporter.export(b"x"));
    enc[1088..].fill(0);
    assert_ne!(decap(&vault_key(), &enc, b"info").unwrap().export(b"x"), exporter.export(b"x"));
}

#[test]
fn exports_differ_by_context_info_and_entropy() {
    let export = |entropy: u8, info: &[u8], context: &[u8]| {
        *encap(&[entropy; 64], &vault_key().public(), info).unwrap().1.export(context)
    };
    let first = export(1, b"i", b"c");
    assert_eq!(first, export(1, b"i", b"c"));
    assert!([export(2, b"i", b"c"), export(1, b"j", b"c"), export(1, b"i", b"d")].iter().all(|other| *other != first));
}

#[test]
fn rejects_keys_of_another_length_and_an_info_that_is_too_long() {
    let malformed = Some(Error::Malformed(MessageKind::Key));
    let public = vault_key().public();
    assert_eq!(KemPublicKey::parse(public.as_bytes()).as_ref(), Ok(&public));
    assert_eq!(KemPublicKey::parse(&public.as_bytes()[1..]).err(), malformed);
    // Coefficients above ML-KEM's modulus.
    assert_eq!(KemPublicKey::parse(&[255; KEM_PUBLIC_LEN]).err(), malformed);
    assert_eq!(KemSecret::from_seed(&[0; 31]).err(), malformed);
    assert_eq!(decap(&vault_key(), &[0; ENC_LEN - 1], b"").err(), malformed);
    // The crate hpke would panic at 65,531 bytes.
    let long = vec![0; 70_000];
    let too_large = Some(Error::TooLarge(MessageKind::Key));
    assert_eq!(encap(&[0; 64], &public, &long).err(), too_large);
    assert_eq!(decap(&vault_key(), &[0; ENC_LEN], &long).err(), too_large);
    assert_eq!(format!("{:?}", vault_key()), "KemSecret([redacted])");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn noise_is_neither_an_object_nor_a_file(noise in proptest::collection::vec(any::<u8>(), 0..300), length in 0u8..=255) {
        for magic in [b"CPLO", b"CPLT"] {
            let bytes = [magic.as_slice(), &[0, 0, 0, length], &noise].concat();
            prop_assert!(StoredObject::parse(&bytes).is_err());
            prop_assert!(Ciphertext::parse(&bytes).is_err());
        }
    }

    #[test]
    fn encapsulates_to_every_public_key_that_parses(noise in proptest::collection::vec(any::<u8>(), KEM_PUBLIC_LEN)) {
        // Each coefficient has 12 bits. With the highest bit cleared it is below the modulus, 3329.
        let mut reduced = noise.clone();
        for pair in reduced[..1152].chunks_mut(3) {
            pair[1] &= 0xf7;
            pair[2] &= 0x7f;
        }
        prop_assert!(KemPublicKey::parse(&reduced).is_ok());
        for bytes in [noise, reduced] {
            if let Ok(public) = KemPublicKey::parse(&bytes) {
                prop_assert!(encap(&[1; 64], &public, b"").is_ok());
            }
        }
    }
}

/// A vector that grows leaves its old content in memory. Messages with key shares have their capacity from the start.
#[test]
fn a_message_with_key_shares_does_not_grow() {
    for count in [0, 1, 64u8] {
        let key = |n| StoreKey {
            kind: StoreKind::VaultKey,
            owner: identity().owner(),
            id: ObjectId::new([n; 16]),
            version: u64::MAX,
        };
        let key_shares: KeyShares = (0..count).map(|n| (key(n), key_share(n))).collect();
        let request = Request {
            n: u64::MAX,
            verb: Verb::Run,
            id: RequestId::new([1; 16]),
            not_after: Deadline::new(UnixMillis::new(u64::MAX)),
            caller: identity().owner(),
            params: vec![0xa0; 1000],
            key_shares,
            body: Some(BodyDigest { length: u64::MAX, sha256: [2; 32] }),
        };
        let map = request.encode();
        assert_eq!(map.capacity(), 256 + 1000 + 100 * usize::from(count));
        let signed = identity().sign1(REQUEST, ClaimsDigest::new([3; 48]).as_bytes(), &map);
        assert_eq!(signed.capacity(), map.len() + 64 + 160);
    }
}

/// A response's result may contain what the function wrote to stderr.
#[test]
fn a_response_is_not_printed() {
    let response = Response {
        n: 0,
        request: RequestDigest::new([1; 48]),
        status: Status::DONE.number(),
        result: Zeroizing::new(vec![0xa0]),
        receipt: None,
        body: None,
    };
    assert_eq!(format!("{response:?}"), "Response([redacted])");
}
