//! Answers from KMS: HTTP, JSON and CMS.
//!
//! - The pieces in which a response arrives change nothing.
//! - A response with an error status is an error.
//! - An accepted body is JSON for `serde_json` too, and the fields have the same values there.
//! - Key metadata is encoded to deterministic CBOR with eight entries. Unless that is longer than `MAX_METADATA`, it is
//!   read back.
//! - An accepted answer about a data key names the key's ARN, contains no plaintext, and the data key or wrapped key
//!   has 1 to `MAX_WRAPPED` bytes.

use crate::kms::{self as fuzz_kms, KmsMode};
use crate::platform::{FuzzPlatform, NOW};
use crate::script::next_part;
use enclave_core::MessageKind;
use enclave_core::encoding::Reader;
use enclave_core::kms::{self, KeyMetadata};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

/// In a body, this text stands for a CMS message that can be decrypted, in base64.
const MESSAGE_MARK: &[u8] = b"MESSAGE";

/// The first byte: bits 0–1 are the call, bit 2 is set if the parts are whole HTTP responses and not bodies, bit 3 is
/// set for status 400, and bits 4–7 plus 1 are the most bytes per read. The rest are parts, one per response.
pub fn check(data: &[u8]) {
    let Some((&first, mut script)) = data.split_first() else { return };
    let whole = first & 4 != 0;
    let status = if first & 8 == 0 { 200 } else { 400 };
    let mut parts = Vec::new();
    while let Some(part) = next_part(&mut script) {
        let mut part = part.to_vec();
        let mark = part.windows(MESSAGE_MARK.len()).position(|window| window == MESSAGE_MARK);
        if let Some(at) = mark.filter(|_| !whole) {
            let message = fuzz_kms::base64(&fuzz_kms::message(&[7; 32]));
            part.splice(at..at + MESSAGE_MARK.len(), message.into_bytes());
        }
        parts.push(part);
    }
    let response = |part: &Vec<u8>| if whole { part.clone() } else { fuzz_kms::http_response(status, part) };
    let responses: VecDeque<_> = parts.iter().map(response).collect();
    let call = |piece| {
        let mode = KmsMode::Scripted { responses: Mutex::new(responses.clone()), piece };
        let platform = FuzzPlatform::new(mode, BTreeMap::new());
        let arn = fuzz_kms::arn();
        match first % 4 {
            0 => kms::key_policy(&platform, &arn, NOW).map(String::into_bytes),
            1 => kms::key_metadata(&platform, &arn, NOW).map(|metadata| metadata.encode()),
            2 => kms::decrypt(&platform, &arn, "context", b"wrapped", NOW).map(|key| key.as_bytes().to_vec()),
            _ => kms::generate_data_key(&platform, &arn, "context", NOW).map(|(_, wrapped)| wrapped),
        }
    };
    let result = call(usize::MAX);
    let in_pieces = call(1 + usize::from(first >> 4));
    // Bytes behind the end of a response are rejected if they arrive together with it. Otherwise they are never read.
    if !whole || (result.is_ok() && in_pieces.is_ok()) {
        assert_eq!(result, in_pieces, "the pieces of a response change its meaning");
    }
    let Ok(result) = result else { return };
    assert!(whole || status == 200, "an error status is accepted");
    let body = if whole { body(&parts[0]) } else { &parts[0][..] };
    let answer: BTreeMap<String, &RawValue> = serde_json::from_slice(body).expect("serde_json accepts the body");
    let text = |name: &str| serde_json::from_str::<String>(answer[name].get()).expect("serde_json reads a string");
    match first % 4 {
        0 => assert_eq!(text("Policy").into_bytes(), result),
        1 => {
            let mut reader = Reader::new(&result, MessageKind::Kms).expect("key metadata is deterministic CBOR");
            reader.map(8).expect("key metadata has eight entries");
            let again = KeyMetadata::parse(&result).map(|metadata| metadata.encode());
            assert!(result.len() > kms::MAX_METADATA || again.as_ref() == Ok(&result));
        }
        _ => {
            assert_eq!(text("KeyId"), fuzz_kms::arn().text());
            assert!(answer.get("Plaintext").is_none_or(|plain| matches!(plain.get(), "null" | "\"\"")));
            assert!((1..=kms::MAX_WRAPPED).contains(&result.len()));
        }
    }
}

/// Returns the body of an HTTP response that was accepted.
fn body(response: &[u8]) -> &[u8] {
    const END: &[u8] = b"\r\n\r\n";
    let head = response.windows(END.len()).position(|window| window == END).expect("an accepted response has a head");
    &response[head + END.len()..]
}
