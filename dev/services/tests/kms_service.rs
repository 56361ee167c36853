//! The other operations of KMS, its errors, its signatures, and its state on disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_dev::Error;
use capelet_dev::kms::{ADMINISTRATOR, Client, Kms, PARENT, Principal, STRANGER, sealed_policy};
use common::kms::{REGION, Served, name};
use common::now;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const OPEN: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}]}"#;

#[test]
fn keys_are_described_and_survive_a_restart() {
    let served = Served::start();
    let body = json!({ "Policy": OPEN, "Description": "for a test" });
    let made = served.administrator().call("CreateKey", &body).unwrap();
    let metadata = &made["KeyMetadata"];
    let arn = metadata["Arn"].as_str().unwrap().to_string();
    let id = metadata["KeyId"].as_str().unwrap().to_string();
    assert_eq!(arn, format!("arn:aws:kms:eu-central-1:111122223333:key/{id}"));
    enclave_core::kms::Arn::parse(&arn).unwrap();
    for (name, value) in [
        ("KeyManager", json!("CUSTOMER")),
        ("KeySpec", json!("SYMMETRIC_DEFAULT")),
        ("KeyUsage", json!("ENCRYPT_DECRYPT")),
        ("KeyState", json!("Enabled")),
        ("Origin", json!("AWS_KMS")),
        ("MultiRegion", json!(false)),
        ("Description", json!("for a test")),
        ("AWSAccountId", json!("111122223333")),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    assert!((metadata["CreationDate"].as_f64().unwrap() * 1000.0 - now() as f64).abs() < 60_000.0);
    let served = served.restart();
    for named in [&arn, &id] {
        assert_eq!(served.client.call("DescribeKey", &json!({ "KeyId": named })).unwrap(), made);
    }
    let keys = fs::read_dir(served.directory.path().join("keys")).unwrap();
    let modes: Vec<_> = keys.map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, [0o600]);
    for file in ["kms-root.key", "kms-root.der"] {
        let mode = fs::metadata(served.directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn policies_are_kept_byte_for_byte_and_never_lock_their_author_out() {
    let served = Served::start();
    let administrator = served.administrator();
    let odd = OPEN.replace("\"Statement\"", " \"Statement\"\n").replace("kms:*", "kms:\\u002a");
    let arn = served.key(&odd);
    let read = |client: &Client| client.call("GetKeyPolicy", &json!({ "KeyId": arn, "PolicyName": "default" }));
    assert_eq!(read(&administrator).unwrap()["Policy"], odd);
    let put = |policy: &str| name(administrator.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": policy })));
    assert_eq!(put("{}"), "MalformedPolicyDocumentException");
    assert_eq!(put(&sealed_policy(&[1; 48])), "MalformedPolicyDocumentException", "it would lock its author out");
    assert_eq!(put(&"x".repeat(40_000)), "ValidationException");
    assert_eq!(put(OPEN), "ok");
    let served = served.restart();
    assert_eq!(served.administrator().call("GetKeyPolicy", &json!({ "KeyId": arn })).unwrap()["Policy"], OPEN);

    let sealed = served.sealed_key();
    let put = json!({ "KeyId": sealed, "Policy": OPEN });
    for client in [&served.client, &served.administrator(), &served.client.acting_as(&STRANGER)] {
        assert_eq!(name(client.call("PutKeyPolicy", &put)), "AccessDeniedException");
    }
    assert_eq!(name(served.client.call("GetKeyPolicy", &json!({ "KeyId": sealed }))), "ok");
    let unknown = json!({ "KeyId": sealed, "PolicyName": "other" });
    assert_eq!(name(served.client.call("GetKeyPolicy", &unknown)), "NotFoundException");

    // A policy that admits everybody cannot be read from another account either.
    let everybody = served.key(&OPEN.replace(r#"{"AWS":"111122223333"}"#, "\"*\""));
    let stranger = served.client.acting_as(&STRANGER);
    assert_eq!(name(stranger.call("GetKeyPolicy", &json!({ "KeyId": everybody }))), "AccessDeniedException");
    assert_eq!(name(stranger.call("DescribeKey", &json!({ "KeyId": everybody }))), "ok");
    let id = everybody.rsplit('/').next().unwrap();
    assert_eq!(name(stranger.call("DescribeKey", &json!({ "KeyId": id }))), "NotFoundException");
}

#[test]
fn the_default_policy_admits_the_account_only() {
    let served = Served::start();
    let made = served.client.acting_as(&STRANGER).call("CreateKey", &json!({})).unwrap();
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap();
    assert!(arn.contains(":444455556666:"));
    let encrypt = json!({ "KeyId": arn, "Plaintext": "AAAA" });
    assert_eq!(name(served.client.acting_as(&STRANGER).call("Encrypt", &encrypt)), "ok");
    assert_eq!(name(served.client.call("Encrypt", &encrypt)), "AccessDeniedException");
}

#[test]
fn grants_allow_their_operations_and_are_listed_in_pages() {
    let served = Served::start();
    let (arn, administrator) = (served.key(OPEN), served.administrator());
    let list = |body: Value| administrator.call("ListGrants", &body);
    let none = list(json!({ "KeyId": arn })).unwrap();
    assert_eq!((&none["Grants"], &none["Truncated"]), (&json!([]), &json!(false)));
    let stranger = served.client.acting_as(&STRANGER);
    let encrypt = json!({ "KeyId": arn, "Plaintext": "AAAA", "EncryptionContext": { "a": "1" } });
    assert_eq!(name(stranger.call("Encrypt", &encrypt)), "AccessDeniedException");

    let grant = |operations: Value, constraints: Value| json!({ "KeyId": arn, "GranteePrincipal": STRANGER.arn, "Operations": operations, "Constraints": constraints });
    let subset = |value: &str| json!({ "EncryptionContextSubset": { "a": value } });
    let mut ids = Vec::new();
    for (operations, constraints, encrypts) in [
        (json!(["Decrypt"]), Value::Null, "AccessDeniedException"),
        (json!(["Encrypt"]), subset("2"), "AccessDeniedException"),
        (json!(["Encrypt"]), json!({ "EncryptionContextEquals": {} }), "AccessDeniedException"),
        (json!(["Encrypt"]), subset("1"), "ok"),
        (json!(["DescribeKey"]), Value::Null, "ok"),
    ] {
        let made = administrator.call("CreateGrant", &grant(operations, constraints)).unwrap();
        ids.push(made["GrantId"].as_str().unwrap().to_string());
        assert_eq!(name(stranger.call("Encrypt", &encrypt)), encrypts);
    }
    for operations in [json!([]), json!(["PutKeyPolicy"]), json!("Encrypt"), Value::Null] {
        assert_eq!(name(administrator.call("CreateGrant", &grant(operations, Value::Null))), "ValidationException");
    }

    let served = served.restart();
    let administrator = served.administrator();
    let (mut seen, mut marker, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = json!({ "KeyId": arn, "Limit": 2, "Marker": marker });
        let page = administrator.call("ListGrants", &page).unwrap();
        let grants = page["Grants"].as_array().unwrap();
        seen.extend(grants.iter().map(|grant| grant["GrantId"].as_str().unwrap().to_string()));
        assert!(grants.iter().all(|grant| grant["KeyId"] == arn && grant["GranteePrincipal"] == STRANGER.arn));
        pages += 1;
        if page["Truncated"] == json!(false) {
            assert!(page.get("NextMarker").is_none());
            break;
        }
        marker = page["NextMarker"].clone();
    }
    assert_eq!((seen, pages), (ids, 3));
    for (limit, marker, expected) in [
        (json!(0), Value::Null, "ValidationException"),
        (json!(101), Value::Null, "ValidationException"),
        (json!(2), json!("nowhere"), "InvalidMarkerException"),
    ] {
        let page = json!({ "KeyId": arn, "Limit": limit, "Marker": marker });
        assert_eq!(name(administrator.call("ListGrants", &page)), expected);
    }
    assert_eq!(name(stranger_list(&served, &arn)), "AccessDeniedException");
}

fn stranger_list(served: &Served, arn: &str) -> Result<Value, Error> {
    served.client.acting_as(&STRANGER).call("ListGrants", &json!({ "KeyId": arn }))
}

#[test]
fn rejects_wrong_unknown_and_old_signatures() {
    let served = Served::frozen();
    let arn = served.key(OPEN);
    let body = json!({ "KeyId": arn });
    static WRONG_SECRET: Principal = Principal { secret_access_key: "not the secret", ..PARENT };
    static UNKNOWN: Principal = Principal { access_key_id: "AKIADEVELOPMENTNOONE", ..ADMINISTRATOR };
    let call = |principal| name(served.client.acting_as(principal).call("DescribeKey", &body));
    assert_eq!(call(&PARENT), "ok");
    assert_eq!(call(&WRONG_SECRET), "InvalidSignatureException");
    assert_eq!(call(&UNKNOWN), "UnrecognizedClientException");
    let now = served.enclave.now();
    let at = |offset: i64| name(served.client.call_at("DescribeKey", &body, now.checked_add_signed(offset).unwrap()));
    assert_eq!(at(-300_000), "ok");
    assert_eq!(at(300_000), "ok");
    assert_eq!(at(-301_000), "InvalidSignatureException");
    assert_eq!(at(301_000), "InvalidSignatureException");
    assert_eq!(at(7_200_000), "InvalidSignatureException");
    let Err(Error::Kms(expired)) = served.client.call_at("DescribeKey", &body, now - 7_200_000) else { panic!() };
    assert!(expired.message.starts_with("Signature expired: "), "{expired}");
}

#[test]
fn rejects_unknown_operations_and_invalid_parameters() {
    let served = Served::start();
    let arn = served.key(OPEN);
    let call = |operation: &str, body: Value| name(served.client.call(operation, &body));
    assert_eq!(call("ScheduleKeyDeletion", json!({})), "UnknownOperationException");
    assert_eq!(call("Encrypt", json!([])), "SerializationException");
    assert_eq!(call("Encrypt", json!({ "KeyId": arn })), "ValidationException");
    assert_eq!(call("Encrypt", json!({ "Plaintext": "AAAA" })), "ValidationException");
    assert_eq!(call("Encrypt", json!({ "KeyId": 7, "Plaintext": "AAAA" })), "ValidationException");
    let long = data_encoding::BASE64.encode(&[0; 4097]);
    assert_eq!(call("Encrypt", json!({ "KeyId": arn, "Plaintext": long })), "ValidationException");
    for lengths in [
        json!({}),
        json!({ "KeySpec": "AES_192" }),
        json!({ "NumberOfBytes": 0 }),
        json!({ "NumberOfBytes": 1025 }),
        json!({ "NumberOfBytes": 32, "KeySpec": "AES_256" }),
    ] {
        let mut body = lengths.clone();
        body["KeyId"] = json!(arn);
        assert_eq!(call("GenerateDataKey", body), "ValidationException", "{lengths}");
    }
    for odd in [
        json!({ "KeySpec": "RSA_2048" }),
        json!({ "MultiRegion": true }),
        json!({ "Origin": "EXTERNAL" }),
        json!({ "KeyUsage": "SIGN_VERIFY" }),
    ] {
        assert_eq!(call("CreateKey", odd.clone()), "UnsupportedOperationException", "{odd}");
    }
    assert_eq!(call("DescribeKey", json!({ "KeyId": "00000000-0000-0000-0000-000000000000" })), "NotFoundException");
}

#[test]
fn has_a_certificate_for_names_of_endpoints_only() {
    let served = Served::start();
    let root = fs::read(Kms::root_path(served.directory.path())).unwrap();
    let with = |root: &[u8], region: &str| {
        let client = Client::new(served.service.address(), root, region, &PARENT).unwrap();
        client.call("DescribeKey", &json!({ "KeyId": "x" }))
    };
    assert_eq!(name(with(&root, REGION)), "NotFoundException");
    assert_eq!(name(with(&root, "us-gov-west-1")), "NotFoundException");
    assert_eq!(name(with(&root, "cn-north-1")), "NotFoundException");
    assert!(matches!(with(&root, "nowhere"), Err(Error::Connection(_))), "the name is not that of an endpoint");
    let other = tempfile::tempdir().unwrap();
    Kms::open(other.path(), Vec::new()).unwrap();
    let other = fs::read(Kms::root_path(other.path())).unwrap();
    assert!(matches!(with(&other, REGION), Err(Error::Connection(_))), "another root");
}

#[test]
fn refuses_damaged_state_and_invalid_roots() {
    let served = Served::start();
    served.sealed_key();
    let key = fs::read_dir(served.directory.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    fs::write(&key, "{}").unwrap();
    assert!(matches!(Kms::open(served.directory.path(), Vec::new()), Err(Error::StoredKey(_))));
    assert!(matches!(Kms::open(&served.directory.path().join("new"), vec![vec![1]]), Err(Error::NotARoot)));
}
