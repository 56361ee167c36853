//! HPKE, encrypted files, stored objects.

use crate::case::{Input, Output, Values};
use crate::kdf::expand;
use enclave_core::crypto::{KemPublicKey, KemSecret, Secret, decap, encap, seal_bytes, sha384};
use enclave_core::encoding::{Reader, cape_encode};
use enclave_core::objects::{
    Ciphertext, CiphertextHeader, ObjectContent, StoredObject, begin_encryption, kms_context, seal_object,
};
use enclave_core::{DataKey, Error, KeyShare, MessageKind, OwnerKey};
use enclave_core_aws_lc::AwsLc;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// RFC 9180, 7.1 to 7.3: "HPKE", X-Wing, HKDF-SHA256, export-only.
const SUITE: &[u8; 10] = b"HPKE\x64\x7a\x00\x01\xff\xff";

fn labelled_extract(salt: &[u8], label: &[u8], ikm: &[u8]) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(salt), &[b"HPKE-v1", SUITE.as_slice(), label, ikm].concat()).0.into()
}

fn labelled_expand(prk: &[u8; 32], label: &[u8], info: &[u8]) -> [u8; 32] {
    expand(prk, &[&[0, 32], b"HPKE-v1", SUITE, label, info])
}

/// HPKE's export (RFC 9180, 5.3) from its inner secret.
pub fn export(exporter_secret: &[u8; 32], context: &[u8]) -> [u8; 32] {
    labelled_expand(exporter_secret, b"sec", context)
}

pub fn hpke(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let (info, context) = (input.bytes("info"), input.bytes("context"));
    let secret = KemSecret::from_seed(&input.bytes("seed"))?;
    let public = if input.has("public") { KemPublicKey::parse(&input.bytes("public"))? } else { secret.public() };
    let enc = if input.has("eseed") {
        let (enc, exporter) = encap(&input.fixed("eseed"), &public, &info)?;
        assert_eq!(exporter.export(&context), decap(&secret, &enc, &info)?.export(&context));
        enc.to_vec()
    } else {
        input.bytes("enc")
    };
    let found = *decap(&secret, &enc, &info)?.export(&context);
    let output = Output::default().bytes("public", public.as_bytes()).bytes("enc", enc).bytes("export", found);
    let Some(expected) = expected else { return Ok(output) };
    // RFC 9180, 5.1: the key schedule from the KEM's shared secret to the export. If it ends in the export that the API
    // returns, every value in between is right, too.
    let shared: [u8; 32] = expected.fixed("shared_secret");
    let schedule =
        [[0].as_slice(), &labelled_extract(b"", b"psk_id_hash", b""), &labelled_extract(b"", b"info_hash", &info)]
            .concat();
    let inner = labelled_extract(&shared, b"secret", b"");
    let exporter_secret = labelled_expand(&inner, b"exp", &schedule);
    assert_eq!(export(&exporter_secret, &context), found);
    Ok(output
        .bytes("shared_secret", shared)
        .bytes("suite", SUITE)
        .bytes("key_schedule_context", schedule)
        .bytes("secret", inner)
        .bytes("exporter_secret", exporter_secret))
}

pub fn ciphertext(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let file = input.bytes("file");
    let parsed = Ciphertext::parse(&file)?;
    let key = KemSecret::from_seed(&input.bytes("seed"))?;
    let plain = parsed.open::<AwsLc>(&parsed.header.owner, &key)?;
    let header = parsed.header_bytes;
    let aad = sha384(&[header]);
    let info = [b"capelet/1/file-info\0".as_slice(), &aad].concat();
    let output = Output::default()
        .bytes("header", header)
        .bytes("kid", parsed.header.kid)
        .bytes("info", &info)
        .bytes("aad", aad)
        .bytes("plain", &*plain)
        .value("text", cape_encode(&file));
    let Some(expected) = expected else { return Ok(output) };
    assert_eq!(parsed.open::<AwsLc>(&OwnerKey::new([0; 32]), &key), Err(Error::WrongOwner));
    assert_eq!(CiphertextHeader::parse(header).and_then(|header| header.encode()).as_deref(), Ok(header));
    let begun = begin_encryption(&parsed.header, &key.public(), &input.fixed("eseed"))?;
    let (exporter_secret, stream_secret) = (expected.fixed("exporter_secret"), expected.fixed("stream_secret"));
    assert_eq!(export(&exporter_secret, b"capelet/1/stream"), stream_secret);
    for secret in [begun.secret, Secret::new(Zeroizing::new(stream_secret))] {
        let sealed = seal_bytes::<AwsLc>(secret, &begun.aad, &plain)?;
        assert_eq!([begun.prefix.as_slice(), &sealed].concat(), file);
    }
    Ok(output.bytes("exporter_secret", exporter_secret).bytes("stream_secret", stream_secret))
}

/// One part of an object's key. The API takes 32 bytes only, so a part of another length opens nothing.
fn secret(input: &Input<'_>, name: &str) -> Result<Zeroizing<[u8; 32]>, Error> {
    input.bytes(name).try_into().map(Zeroizing::new).map_err(|_| Error::CannotOpen)
}

pub fn object(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let stored = input.bytes("stored");
    let object = StoredObject::parse(&stored)?;
    let (data_key, share) = (DataKey::new(&*secret(input, "data_key")?), KeyShare::new(&*secret(input, "share")?));
    let content = object.open::<AwsLc>(&data_key, &share)?;
    let output = Output::default()
        .bytes("ad", object.ad_bytes)
        .bytes("wrapped", object.wrapped)
        .bytes("pcr0", object.ad.image)
        .value("kms_context", kms_context(object.ad_bytes))
        .bytes("content", &*content);
    let Some(expected) = expected else { return Ok(output) };
    let (bytes, stream) =
        stored[8..].split_at(usize::try_from(u32::from_be_bytes(stored[4..8].try_into().unwrap())).unwrap());
    let mut reader = Reader::new(bytes, MessageKind::Object)?;
    reader.array(3)?;
    reader.item()?;
    reader.item()?;
    let record = reader.item()?;
    assert_eq!(object.ad.encode(), object.ad_bytes);
    assert_eq!(seal_object::<AwsLc>(&object.ad, object.wrapped, record, &data_key, &share, &content)?, stored);
    if let ObjectContent::VaultKey(kid) = object.ad.content {
        assert_eq!(object.ad.id, kid.object_id());
    }
    let aad = sha384(&[bytes]);
    let secret: [u8; 32] = expected.fixed("stream_secret");
    assert_eq!(seal_bytes::<AwsLc>(Secret::new(Zeroizing::new(secret)), &aad, &content)?, stream);
    Ok(output.bytes("record", record).bytes("aad", aad).bytes("stream_secret", secret))
}
