//! KMS' answers: HTTP, JSON, CMS.

use super::part;
use crate::cms::{enveloped, normal};
use crate::world::{self, NOW, Says, World};
use enclave_core::Part;
use enclave_core::cbor::Reader;
use enclave_core::cms::Message;
use enclave_core::kms as keys;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

/// Written in DER a message says the same, and that is all that it says.
pub fn cms(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let again = enveloped(&message.recipient, message.encrypted_key, &message.iv, &message.content);
    assert_eq!(Message::parse(&again), Ok(message));
    assert_eq!(normal(data), normal(&again));
}

/// The first byte says what is asked for and in what pieces answers come, then they follow: heads and bodies as they
/// are, or bodies alone, for which there is a head, and in which the mark `MESSAGE` stands for a message that opens.
/// Another reader of JSON has the last word.
pub fn kms(data: &[u8]) {
    let Some((&first, mut script)) = data.split_first() else { return };
    let whole = first & 4 != 0;
    let status = if first & 8 == 0 { 200 } else { 400 };
    let mut bodies = Vec::new();
    while let Some(body) = part(&mut script) {
        let mut body = body.to_vec();
        if let Some(at) = body.windows(7).position(|window| window == b"MESSAGE").filter(|_| !whole) {
            body.splice(at..at + 7, world::base64(&world::message(&[7; 32])).into_bytes());
        }
        bodies.push(body);
    }
    let answer = |body: &Vec<u8>| if whole { body.clone() } else { world::response(status, body) };
    let answers: VecDeque<_> = bodies.iter().map(answer).collect();
    let ask = |piece| {
        let world = World::new(Says::Bytes(Mutex::new(answers.clone()), piece), BTreeMap::new());
        let arn = world::arn();
        match first % 4 {
            0 => keys::key_policy(&world, &arn, NOW).map(String::into_bytes),
            1 => keys::describe(&world, &arn, NOW),
            2 => keys::decrypt(&world, &arn, "context", b"wrapped", NOW).map(|key| key.to_vec()),
            _ => keys::generate_data_key(&world, &arn, "context", NOW).map(|(_, wrapped)| wrapped),
        }
    };
    let result = ask(usize::MAX);
    let in_pieces = ask(1 + usize::from(first >> 4));
    // What lies behind a response's end is refused when it comes with it, and otherwise never read.
    if !whole || (result.is_ok() && in_pieces.is_ok()) {
        assert_eq!(result, in_pieces, "pieces change nothing");
    }
    let Ok(result) = result else { return };
    assert!(whole || status == 200, "a refusal is none");
    let body = if whole { &bodies[0][after_head(&bodies[0])..] } else { &bodies[0][..] };
    let answer: BTreeMap<String, &RawValue> = serde_json::from_slice(body).expect("JSON by others too");
    let text = |name: &str| serde_json::from_str::<String>(answer[name].get()).expect("a string by others too");
    match first % 4 {
        0 => assert_eq!(text("Policy").into_bytes(), result),
        1 => {
            let mut reader = Reader::new(&result, Part::Kms).expect("deterministic");
            reader.map(8).expect("eight facts");
        }
        _ => {
            assert_eq!(text("KeyId"), world::arn().text());
            assert!(answer.get("Plaintext").is_none_or(|plain| matches!(plain.get(), "null" | "\"\"")));
            assert!((1..=keys::MAX_WRAPPED).contains(&result.len()));
        }
    }
}

fn after_head(response: &[u8]) -> usize {
    response.windows(4).position(|end| end == b"\r\n\r\n").expect("a head that was read") + 4
}
