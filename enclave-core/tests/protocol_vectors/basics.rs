//! CBOR, digests, text, identities, signatures.

use crate::case::{Input, Output, Values};
use crate::kdf::expand;
use enclave_core::crypto::labelled_sha384;
use enclave_core::encoding::{Reader, SigningKey, TAG_SIGN1, Writer, cape_decode, cape_encode, payload1};
use enclave_core::identity::Identity;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Error, MessageKind, ObjectId, OwnerKey, Pcr};
use minicbor::data::Type;
use zeroize::Zeroizing;

pub fn cbor(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = input.bytes("data");
    let mut reader = Reader::new(&data, MessageKind::Cbor)?;
    let mut writer = Writer::new();
    rewrite(&mut reader, &mut writer)?;
    reader.end()?;
    Ok(Output::default().bytes("again", writer.finish()))
}

/// Reads an item and writes it anew.
fn rewrite(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), Error> {
    match reader.peek()? {
        Type::Bytes => {
            writer.bytes(reader.bytes(0, usize::MAX)?);
        }
        Type::String => {
            writer.text(reader.text(0, usize::MAX)?);
        }
        Type::Array => {
            let count = reader.any_array()?;
            writer.array(count);
            for _ in 0..count {
                rewrite(reader, writer)?;
            }
        }
        Type::Map => {
            let count = reader.any_map()?;
            writer.map(count);
            for _ in 0..2 * count {
                rewrite(reader, writer)?;
            }
        }
        Type::Tag => {
            reader.tag(TAG_SIGN1)?;
            writer.tag(TAG_SIGN1);
            rewrite(reader, writer)?;
        }
        Type::Bool => {
            writer.bool(reader.bool()?);
        }
        Type::Null => {
            reader.nullable(|_| Ok(()))?;
            writer.null();
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            writer.uint(reader.uint()?);
        }
        // The vectors have negative integers beyond i64. The protocol has none.
        _ => {
            writer.item(reader.item()?);
        }
    }
    Ok(())
}

pub fn hash(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    Ok(Output::default().bytes("hash", labelled_sha384(input.text("label"), &input.bytes("data"))))
}

pub fn text(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = cape_decode(input.text("text"))?;
    assert_eq!(cape_encode(&data), input.text("text"));
    Ok(Output::default().bytes("data", data))
}

pub fn identity(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let secret = Zeroizing::new(input.fixed("identity"));
    let identity = Identity::from_secret(secret.clone());
    let (root, image) = (input.bytes("root_der"), Pcr::new(input.fixed("pcr0")));
    let kind = StoreKind::from_number(input.uint("kind")).expect("kind");
    let (owner, id, version) = (identity.owner(), ObjectId::new(input.fixed("id")), input.uint("version"));
    let share = identity.key_share(&root, &image, &StoreKey { kind, owner, id, version });
    let output = Output::default()
        .bytes("owner", identity.owner())
        .value("fingerprint", identity.owner().fingerprint())
        .bytes("share", share.as_bytes());
    // The identity does not return these inner values. Values that it does return are derived from them here.
    let Some(expected) = expected else { return Ok(output) };
    let seed = Zeroizing::new(expected.fixed("sign_seed"));
    assert_eq!(OwnerKey::new(SigningKey::from_seed(&seed).public()), identity.owner());
    let (seal, info): ([u8; 32], [u8; 121]) = (expected.fixed("seal"), expected.fixed("share_info"));
    assert_eq!(expand(&seal, &[&info]), *share.as_bytes());
    Ok(output.bytes("sign_seed", *seed).bytes("seal", seal).bytes("share_info", info))
}

pub fn sign1(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let (typ, aad, message) = (input.text("typ"), input.bytes("external_aad"), input.bytes("message"));
    let payload = OwnerKey::new(input.fixed("public")).verify(typ, &aad, &message)?;
    assert_eq!(payload1(&message), Ok(payload));
    let output = Output::default().bytes("payload", payload);
    let Some(expected) = expected else { return Ok(output) };
    let key = SigningKey::from_seed(&Zeroizing::new(input.fixed("seed")));
    assert_eq!(key.public(), input.fixed("public"));
    // Ed25519 is deterministic: signing the same bytes gives the same message.
    assert_eq!(key.sign1(typ, &aad, payload), message);
    let protected = protected(&message);
    let mut writer = Writer::new();
    writer.array(4).text("Signature1").bytes(protected).bytes(&aad).bytes(payload);
    let to_be_signed = writer.finish();
    let verifying = ed25519_dalek::VerifyingKey::from_bytes(&input.fixed("public")).unwrap();
    let signature = message.last_chunk().unwrap();
    verifying.verify_strict(&to_be_signed, &ed25519_dalek::Signature::from_bytes(signature)).unwrap();
    assert!(expected.get("to_be_signed").is_some());
    Ok(output.bytes("protected", protected).bytes("to_be_signed", to_be_signed))
}

fn protected(message: &[u8]) -> &[u8] {
    let mut reader = Reader::new(message, MessageKind::Sign1).unwrap();
    reader.tag(TAG_SIGN1).unwrap();
    reader.array(4).unwrap();
    reader.bytes(0, message.len()).unwrap()
}
