//! KMS returns data keys to the attested image of the policy only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_dev::kms::{ADMINISTRATOR, STRANGER, sealed_policy};
use capelet_dev::nsm::{Faults, Nsm};
use capelet_hostile_bytes::byte_flips;
use common::kms::{Recipient, Served, name, with_document};
use common::{Enclave, openssl};
use data_encoding::{BASE64, HEXUPPER};
use serde_json::{Value, json};
use std::sync::Arc;

/// Checks that the answer holds no plaintext.
fn without_plaintext(answer: &Value) {
    assert!(answer.get("Plaintext").is_none(), "{answer}");
}

#[test]
fn an_attested_image_gets_a_data_key_and_can_decrypt_it_later() {
    let served = Served::start();
    let arn = served.sealed_key();
    let (one, two) = (Recipient::new(2048), Recipient::new(4096));
    let context = json!({ "capelet": "x" });
    let made = served.client.call(
        "GenerateDataKey",
        &json!({ "KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": context,
                 "Recipient": one.in_document(&served.enclave) }),
    );
    let made = made.unwrap();
    without_plaintext(&made);
    assert_eq!(made["KeyId"], arn);
    let data_key = one.open(&made);
    assert_eq!(data_key.len(), 32);

    let served = served.restart();
    let opened = served.client.call(
        "Decrypt",
        &json!({ "KeyId": arn, "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context,
                 "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "Recipient": two.in_document(&served.enclave) }),
    );
    let opened = opened.unwrap();
    without_plaintext(&opened);
    assert_eq!(opened["KeyId"], arn);
    assert_eq!(two.open(&opened), data_key);
}

#[test]
fn each_data_key_is_new_and_has_the_requested_length() {
    let served = Served::start();
    let (arn, recipient) = (served.sealed_key(), Recipient::new(2048));
    let make = |length: u64| {
        let body =
            json!({ "KeyId": arn, "NumberOfBytes": length, "Recipient": recipient.in_document(&served.enclave) });
        recipient.open(&served.client.call("GenerateDataKey", &body).unwrap())
    };
    assert_ne!(make(32), make(32));
    assert_eq!(make(1024).len(), 1024);
    assert_eq!(make(1).len(), 1);
}

#[test]
fn refuses_other_images_and_invalid_documents() {
    let served = Served::frozen();
    let (arn, recipient) = (served.sealed_key(), Recipient::new(2048));
    let enclave = &served.enclave;
    let make = |body: Value| name(served.client.call("GenerateDataKey", &body));
    let asked = |recipient: Value| json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": recipient });

    let other_code = Enclave::boot_with(b"the core's code\n", b"the worker's code");
    let other_image = Nsm::new(enclave.root.clone(), &other_code.measured).unwrap();
    let other_image = Enclave { nsm: Arc::new(other_image), ..Enclave::boot() };
    let debug = capelet_dev::nsm::Measured { pcr0: [0; 48], ..enclave.measured.clone() };
    let debug = Enclave { nsm: Arc::new(Nsm::new(enclave.root.clone(), &debug).unwrap()), ..Enclave::boot() };
    assert_eq!(make(asked(recipient.in_document(enclave))), "ok");
    assert_eq!(make(asked(recipient.in_document(&other_image))), "AccessDeniedException");
    assert_eq!(make(asked(recipient.in_document(&debug))), "AccessDeniedException");
    assert_eq!(make(asked(recipient.in_document(&Enclave::boot()))), "ValidationException", "another root");
    assert_eq!(make(json!({ "KeyId": arn, "KeySpec": "AES_256" })), "AccessDeniedException");
    assert_eq!(make(json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": null })), "AccessDeniedException");

    let ok = Faults::default();
    for faults in [
        Faults { clock_offset: -300_001, ..ok },
        Faults { clock_offset: 300_001, ..ok },
        Faults { clock_offset: -30 * 24 * 3_600_000, ..ok },
        Faults { expired_leaf: true, ..ok },
        Faults { other_root: true, ..ok },
        Faults { flipped_signature: true, ..ok },
    ] {
        enclave.nsm.set_faults(faults);
        assert_eq!(make(asked(recipient.in_document(enclave))), "ValidationException", "{faults:?}");
    }
    for faults in [
        ok,
        Faults { indefinite_map: true, ..ok },
        Faults { clock_offset: -300_000, ..ok },
        Faults { clock_offset: 300_000, ..ok },
    ] {
        enclave.nsm.set_faults(faults);
        assert_eq!(make(asked(recipient.in_document(enclave))), "ok", "{faults:?}");
    }
    enclave.nsm.set_faults(ok);

    let document = enclave.document(Some(recipient.spki.clone()), None);
    for flip in byte_flips(&document, 4).step_by(97) {
        assert_ne!(make(asked(with_document(&flip.bytes))), "ok", "{flip}");
    }
    let elliptic = openssl(&["ecparam", "-genkey", "-name", "prime256v1", "-noout"], b"").unwrap();
    let elliptic = openssl(&["ec", "-pubout", "-outform", "DER"], &elliptic).unwrap();
    for key in [None, Some(vec![1; 32]), Some(elliptic), Some(Recipient::new(1024).spki)] {
        assert_eq!(make(asked(with_document(&enclave.document(key, None)))), "ValidationException");
    }
    let mut padded = recipient.spki.clone();
    padded.push(0);
    assert_eq!(make(asked(with_document(&enclave.document(Some(padded), None)))), "ValidationException");
    for (field, value) in [
        ("KeyEncryptionAlgorithm", json!("RSAES_OAEP_SHA_1")),
        ("KeyEncryptionAlgorithm", Value::Null),
        ("AttestationDocument", json!("###")),
        ("AttestationDocument", json!("")),
        ("AttestationDocument", json!(BASE64.encode(&[0xd2].iter().chain(&document).copied().collect::<Vec<_>>()))),
        ("AttestationDocument", json!(BASE64.encode(&document[..document.len() - 1]))),
    ] {
        let mut odd = with_document(&document);
        odd[field] = value;
        assert_eq!(make(asked(odd)), "ValidationException", "{field}");
    }
    assert_eq!(make(asked(json!("document"))), "ValidationException");
}

#[test]
fn decrypts_only_for_the_same_caller_key_context_and_region() {
    let served = Served::start();
    let (arn, other_arn) = (served.sealed_key(), served.sealed_key());
    let recipient = Recipient::new(2048);
    let attested = || recipient.in_document(&served.enclave);
    let context = json!({ "capelet": "one", "b": "2" });
    let body = json!({ "KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": context, "Recipient": attested() });
    let blob = served.client.call("GenerateDataKey", &body).unwrap()["CiphertextBlob"].clone();
    let decrypt = |changes: Value| {
        let mut body =
            json!({ "KeyId": arn, "CiphertextBlob": blob, "EncryptionContext": context, "Recipient": attested() });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let as_parent = |changes| name(served.client.call("Decrypt", &decrypt(changes)));
    assert_eq!(as_parent(json!({})), "ok");
    assert_eq!(as_parent(json!({ "KeyId": null })), "ok", "the blob names its key");
    assert_eq!(as_parent(json!({ "EncryptionContext": { "b": "2", "capelet": "one" } })), "ok", "in any order");
    for context in [json!({ "capelet": "two", "b": "2" }), json!({ "capelet": "one" }), json!({}), Value::Null] {
        assert_eq!(as_parent(json!({ "EncryptionContext": context })), "InvalidCiphertextException", "{context}");
    }
    assert_eq!(as_parent(json!({ "EncryptionContext": { "capelet": 1 } })), "ValidationException");
    assert_eq!(as_parent(json!({ "KeyId": other_arn })), "IncorrectKeyException");
    assert_eq!(as_parent(json!({ "KeyId": arn.replace("eu-central", "eu-west") })), "NotFoundException");
    assert_eq!(as_parent(json!({ "KeyId": "alias/x" })), "InvalidArnException");
    assert_eq!(as_parent(json!({ "CiphertextBlob": "AAAA" })), "InvalidCiphertextException");
    assert_eq!(as_parent(json!({ "Recipient": null })), "AccessDeniedException");
    let mut bytes = BASE64.decode(blob.as_str().unwrap().as_bytes()).unwrap();
    for (position, refusal) in
        [(0, "InvalidCiphertextException"), (5, "IncorrectKeyException"), (20, "InvalidCiphertextException")]
    {
        bytes[position] ^= 1;
        assert_eq!(as_parent(json!({ "CiphertextBlob": BASE64.encode(&bytes) })), refusal, "byte {position}");
        bytes[position] ^= 1;
    }
    for principal in [&ADMINISTRATOR, &STRANGER] {
        let other = served.client.acting_as(principal);
        assert_eq!(name(other.call("Decrypt", &decrypt(json!({})))), "AccessDeniedException", "{}", principal.arn);
    }
    let elsewhere = served.client.within("eu-west-1");
    assert_eq!(name(elsewhere.call("Decrypt", &decrypt(json!({})))), "NotFoundException");
}

/// An open policy also allows plaintext. `StringEquals` compares with case, `StringEqualsIgnoreCase` without.
#[test]
fn the_policy_alone_decides() {
    let served = Served::start();
    let open = json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*" }] });
    let arn = served.key(&open.to_string());
    let plain = BASE64.encode(b"secret");
    let encrypted = served.client.call("Encrypt", &json!({ "KeyId": arn, "Plaintext": plain })).unwrap();
    let opened = served.client.call("Decrypt", &json!({ "CiphertextBlob": encrypted["CiphertextBlob"] })).unwrap();
    assert_eq!(opened["Plaintext"], plain);
    assert!(opened.get("CiphertextForRecipient").is_none());
    let made = served.client.call("GenerateDataKey", &json!({ "KeyId": arn, "KeySpec": "AES_256" })).unwrap();
    assert_eq!(BASE64.decode(made["Plaintext"].as_str().unwrap().as_bytes()).unwrap().len(), 32);
    let recipient = Recipient::new(2048);
    let attested = json!({ "CiphertextBlob": encrypted["CiphertextBlob"],
                           "Recipient": recipient.in_document(&served.enclave) });
    let opened = served.client.call("Decrypt", &attested).unwrap();
    without_plaintext(&opened);
    assert_eq!(recipient.open(&opened), b"secret");

    let upper = HEXUPPER.encode(&served.enclave.measured.pcr0);
    let sealed = sealed_policy(&served.enclave.measured.pcr0);
    for (from, to, expected) in [
        ("PCR0", "PCR1", "AccessDeniedException"),
        ("PCR0", "ImageSha384", "ok"),
        ("StringEquals", "StringNotEquals", "AccessDeniedException"),
        ("\"StringEquals\"", "\"StringEqualsIgnoreCase\"", "ok"),
    ] {
        let key = served.key(&sealed.replace(from, to));
        let body = json!({ "KeyId": key, "KeySpec": "AES_256", "Recipient": recipient.in_document(&served.enclave) });
        assert_eq!(name(served.client.call("GenerateDataKey", &body)), expected, "{from} {to}");
    }
    let lower = data_encoding::HEXLOWER.encode(&served.enclave.measured.pcr0);
    let key = served.key(&sealed.replace(&lower, &upper));
    let body = json!({ "KeyId": key, "KeySpec": "AES_256", "Recipient": recipient.in_document(&served.enclave) });
    assert_eq!(name(served.client.call("GenerateDataKey", &body)), "AccessDeniedException");
}
