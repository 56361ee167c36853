//! What the core reads of a key: its policy, and the key metadata with the key's grants.

use crate::exchange::{MALFORMED, NOW, ok, response};
use crate::fake::{ARN, Fake, OTHER, arn};
use enclave_core::encoding::Reader;
use enclave_core::kms::{self, KeyMetadata, MAX_GRANTS, MAX_PAGES};
use enclave_core::{Error, MessageKind};
use serde_json::{Value, json};

#[test]
fn reads_the_text_of_a_policy_unchanged() {
    let text = "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ ]\n}\u{e9}";
    let fake = Fake::new([ok(&json!({ "Policy": text, "PolicyName": "default" }))]);
    assert_eq!(kms::key_policy(&fake, &arn(), NOW).as_deref(), Ok(text));
    let (head, body) = fake.request(0);
    assert_eq!(head[5], "x-amz-target: TrentService.GetKeyPolicy");
    assert_eq!(body, format!(r#"{{"KeyId":"{ARN}","PolicyName":"default"}}"#));
    for body in [json!({}), json!({ "Policy": null }), json!({ "Policy": {} })] {
        assert_eq!(kms::key_policy(&Fake::new([ok(&body)]), &arn(), NOW), Err(MALFORMED));
    }
}

fn key_metadata() -> Value {
    json!({ "KeyMetadata": {
        "AWSAccountId": "111122223333", "Arn": ARN, "CreationDate": 1.582_329_877_153e9, "Enabled": true,
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "Enabled", "Origin": "AWS_KMS", "MultiRegion": false,
    }})
}

fn grant(id: &str) -> String {
    format!(r#"{{"GrantId": "{id}","KeyId":"{ARN}", "Operations":["Decrypt"],"CreationDate":1.5E9}}"#)
}

fn page(grants: &[String], next: Option<&str>) -> Vec<u8> {
    let more = next.map_or(String::new(), |next| format!(r#","NextMarker":{}"#, json!(next)));
    let truncated = next.is_some();
    response("200 OK", &format!(r#"{{"Grants":[{}],"Truncated":{truncated}{more}}}"#, grants.join(",")))
}

/// The values in the encoded key metadata: five texts, a boolean, a custom key store, grants.
fn read(metadata: &KeyMetadata) -> (Vec<String>, bool, Option<String>, Vec<String>) {
    let bytes = metadata.encode();
    assert_eq!(KeyMetadata::parse(&bytes).as_ref(), Ok(metadata));
    let mut reader = Reader::new(&bytes, MessageKind::Kms).unwrap();
    reader.map(8).unwrap();
    let mut text = |key| {
        reader.key(key).unwrap();
        reader.text(1, 100).unwrap().to_string()
    };
    let texts = (1..=5).map(&mut text).collect();
    reader.key(6).unwrap();
    let multi_region = reader.bool().unwrap();
    reader.key(7).unwrap();
    let store = reader.nullable(|reader| Ok(reader.text(1, 100)?.to_string())).unwrap();
    reader.key(8).unwrap();
    let grants = (0..reader.any_array().unwrap()).map(|_| reader.text(1, 1_000).unwrap().to_string()).collect();
    reader.end().unwrap();
    (texts, multi_region, store, grants)
}

#[test]
fn reads_key_metadata_and_two_pages_of_grants() {
    let (a, b, c) = (grant("a"), grant("b"), grant("c"));
    let second = [a.clone()];
    let fake = Fake::new([ok(&key_metadata()), page(&[c.clone(), b.clone()], Some("m\"1")), page(&second, None)]);
    let reading = read(&kms::key_metadata(&fake, &arn(), NOW).unwrap());
    let texts = ["CUSTOMER", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled", "AWS_KMS"].map(String::from).to_vec();
    assert_eq!(reading, (texts, false, None, vec![a, b, c]));
    assert_eq!(fake.request(0).1, format!(r#"{{"KeyId":"{ARN}"}}"#));
    assert_eq!(fake.request(1).1, format!(r#"{{"KeyId":"{ARN}","Limit":100}}"#));
    assert_eq!(fake.request(2).1, format!(r#"{{"KeyId":"{ARN}","Limit":100,"Marker":"m\"1"}}"#));
    let actions = ["DescribeKey", "ListGrants", "ListGrants"];
    assert_eq!(
        [0, 1, 2].map(|n| fake.request(n).0[5].clone()),
        actions.map(|a| format!("x-amz-target: TrentService.{a}"))
    );
}

#[test]
fn reads_the_custom_key_store_of_a_key() {
    let mut metadata = key_metadata();
    metadata["KeyMetadata"]["CustomKeyStoreId"] = json!("cks-1");
    metadata["KeyMetadata"]["MultiRegion"] = json!(true);
    let fake = Fake::new([ok(&metadata), page(&[], None)]);
    let (_, multi_region, store, grants) = read(&kms::key_metadata(&fake, &arn(), NOW).unwrap());
    assert_eq!((multi_region, store.as_deref(), grants.len()), (true, Some("cks-1"), 0));
}

#[test]
fn rejects_metadata_of_another_key_or_without_a_member() {
    let read = |edit: &dyn Fn(&mut Value)| {
        let mut metadata = key_metadata();
        edit(&mut metadata["KeyMetadata"]);
        kms::key_metadata(&Fake::new([ok(&metadata), page(&[], None)]), &arn(), NOW).map(|_| ())
    };
    assert_eq!(read(&|_| {}), Ok(()));
    assert_eq!(read(&|metadata| metadata["Arn"] = json!(OTHER)), Err(Error::KmsMismatch));
    for name in ["Arn", "KeyManager", "KeySpec", "KeyUsage", "KeyState", "Origin", "MultiRegion"] {
        let without = |metadata: &mut Value| drop(metadata.as_object_mut().unwrap().remove(name));
        assert_eq!(read(&without), Err(MALFORMED), "{name}");
    }
    assert_eq!(read(&|metadata| metadata["MultiRegion"] = json!("false")), Err(MALFORMED));
    assert_eq!(kms::key_metadata(&Fake::new([ok(&json!({}))]), &arn(), NOW), Err(MALFORMED));
}

#[test]
fn rejects_grants_of_another_key_and_incomplete_or_endless_lists() {
    let reading = |pages: Vec<Vec<u8>>| {
        let fake = Fake::new([vec![ok(&key_metadata())], pages].concat());
        (kms::key_metadata(&fake, &arn(), NOW).map(|_| ()), fake.sent())
    };
    let endless = reading((0..100).map(|n| page(&[grant(&n.to_string())], Some("more"))).collect());
    assert_eq!(endless, (Err(Error::TooLarge(MessageKind::Kms)), 1 + MAX_PAGES));
    let wide = reading(vec![page(&[grant(&"x".repeat(MAX_GRANTS))], None)]);
    assert_eq!(wide, (Err(Error::TooLarge(MessageKind::Kms)), 2));
    let other = grant("a").replace(ARN, OTHER);
    assert_eq!(reading(vec![page(&[other], None)]).0, Err(Error::KmsMismatch));
    for body in [
        json!({ "Truncated": false }),
        json!({ "Grants": [] }),
        json!({ "Grants": [], "Truncated": true }),
        json!({ "Grants": {}, "Truncated": false }),
        json!({ "Grants": [1], "Truncated": false }),
        json!({ "Grants": [], "Truncated": "false" }),
    ] {
        assert_eq!(reading(vec![ok(&body)]).0, Err(MALFORMED), "{body}");
    }
    // A page that fails does not shorten the list. The whole reading fails.
    let denied = response("400 Bad Request", r#"{"__type":"AccessDeniedException"}"#);
    assert_eq!(reading(vec![page(&[grant("a")], Some("m")), denied]).0, Err(Error::KmsDenied));
}
