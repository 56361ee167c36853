//! CBOR, digests, text, identities, signatures.

use crate::case::{Input, Output, Values};
use enclave_core::cbor::{Reader, Writer};
use enclave_core::identity::{self, Identity, SigningKey};
use enclave_core::{Error, Part, digest, kdf, text};
use minicbor::data::Type;
use zeroize::Zeroizing;

pub fn cbor(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = input.bytes("data");
    let mut reader = Reader::new(&data, Part::Cbor)?;
    let mut writer = Writer::new();
    again(&mut reader, &mut writer)?;
    reader.end()?;
    Ok(Output::default().bytes("again", writer.finish()))
}

/// Reads an item and writes it anew.
fn again(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), Error> {
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
                again(reader, writer)?;
            }
        }
        Type::Map => {
            let count = reader.any_map()?;
            writer.map(count);
            for _ in 0..2 * count {
                again(reader, writer)?;
            }
        }
        Type::Tag => {
            reader.tag(enclave_core::cbor::TAG_SIGN1)?;
            writer.tag(enclave_core::cbor::TAG_SIGN1);
            again(reader, writer)?;
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
        // Negative integers beyond i64 are in the vectors, and nowhere in the protocol.
        _ => {
            writer.item(reader.item()?);
        }
    }
    Ok(())
}

pub fn hash(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    Ok(Output::default().bytes("hash", digest::labelled(input.text("label"), &input.bytes("data"))))
}

pub fn text(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = text::cape_decode(input.text("text"))?;
    assert_eq!(text::cape_encode(&data), input.text("text"));
    Ok(Output::default().bytes("data", data))
}

pub fn identity(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let secret = Zeroizing::new(input.fixed("identity"));
    let identity = Identity::from_secret(secret.clone());
    let (root, id) = (input.bytes("root_der"), input.fixed("id"));
    let kind = u8::try_from(input.uint("kind")).unwrap();
    let half = identity.half(&root, kind, &id, input.uint("version"));
    let output = Output::default()
        .bytes("owner", identity.owner())
        .value("fingerprint", identity::fingerprint(&identity.owner()))
        .bytes("half", *half);
    // Inner values: each leads to one that the identity gives.
    let Some(expected) = expected else { return Ok(output) };
    let seed = Zeroizing::new(expected.fixed("sign_seed"));
    assert_eq!(SigningKey::from_seed(&seed).public(), identity.owner());
    let (seal, info): ([u8; 32], [u8; 72]) = (expected.fixed("seal"), expected.fixed("half_info"));
    assert_eq!(kdf::expand(&seal, &[&info]), half);
    Ok(output.bytes("sign_seed", *seed).bytes("seal", seal).bytes("half_info", info))
}

pub fn sign1(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let (typ, aad, message) = (input.text("typ"), input.bytes("external_aad"), input.bytes("message"));
    let payload = identity::verify1(&input.fixed("public"), typ, &aad, &message)?;
    assert_eq!(identity::payload1(&message), Ok(payload));
    let output = Output::default().bytes("payload", payload);
    let Some(expected) = expected else { return Ok(output) };
    let key = SigningKey::from_seed(&Zeroizing::new(input.fixed("seed")));
    assert_eq!(key.public(), input.fixed("public"));
    // Ed25519 is deterministic: the same bytes signed, the same message.
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
    let mut reader = Reader::new(message, Part::Sign1).unwrap();
    reader.tag(enclave_core::cbor::TAG_SIGN1).unwrap();
    reader.array(4).unwrap();
    reader.bytes(0, message.len()).unwrap()
}
