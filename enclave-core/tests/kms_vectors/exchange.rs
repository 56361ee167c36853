//! Calls of KMS: what is sent, and every wrong answer.

use crate::cms::{Known, OAEP, Openssl};
use crate::fake::{ARN, DOCUMENT, Fake, OTHER, arn, credentials};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use enclave_core::cbor::Reader;
use enclave_core::error::Down;
use enclave_core::kms::{self, MAX_BODY, MAX_GRANTS, MAX_HEAD, MAX_PAGES, MAX_WRAPPED};
use enclave_core::parent::Answer;
use enclave_core::{Error, Part, digest};
use serde_json::{Value, json};
use std::sync::OnceLock;

const MALFORMED: Error = Error::Malformed(Part::Kms);
const CONTEXT: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
const NOW: u64 = 1_440_938_160_000;
const WRAPPED: &[u8] = b"wrapped \xfb\xff";
const DATA_KEY: [u8; 32] = [0xd7; 32];

/// An RSA key for the whole test, and messages to it.
struct Sealed {
    key: PrivateDecryptingKey,
    message: String,
    short: String,
}

fn sealed() -> &'static Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    SEALED.get_or_init(|| {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let known = Known::of(key.clone());
        let openssl = Openssl::new(&known, &digest::sha256(&[known.public()]));
        let message = |plain: &[u8]| base64(&openssl.encrypt(plain, &format!("-stream -aes256 -keyid {OAEP}")));
        Sealed { message: message(&DATA_KEY), short: message(&DATA_KEY[1..]), key }
    })
}

fn recipient() -> Box<Known> {
    Known::of(sealed().key.clone())
}

/// By openssl, not by the code under test.
fn base64(bytes: &[u8]) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("openssl")
        .args(["base64", "-A"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

fn ok(body: &Value) -> Vec<u8> {
    response("200 OK", &body.to_string())
}

/// What KMS answers to Decrypt, changed by `edit`.
fn decrypted(edit: impl Fn(&mut Value)) -> Value {
    let mut body = json!({
        "CiphertextForRecipient": sealed().message,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyId": ARN,
        "KeyMaterialId": "0a7b3ee33ce09cef140c9c0c5c8f3c3c",
    });
    edit(&mut body);
    body
}

fn decrypt_with(answer: Vec<u8>, piece: usize) -> Result<[u8; 32], Error> {
    let mut fake = Fake::new([answer]);
    fake.piece = piece;
    fake.recipients.get_mut().unwrap().push(recipient());
    kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW).map(|key| *key)
}

fn decrypt(edit: impl Fn(&mut Value)) -> Result<[u8; 32], Error> {
    decrypt_with(ok(&decrypted(edit)), usize::MAX)
}

#[test]
fn a_data_key_and_what_was_asked() {
    let answer = json!({
        "CiphertextBlob": base64(WRAPPED), "CiphertextForRecipient": sealed().message, "KeyId": ARN,
    });
    let fake = Fake::new([ok(&answer), ok(&decrypted(|_| {}))]);
    fake.recipients.lock().unwrap().extend([recipient(), recipient()]);
    let (key, wrapped) = kms::generate_data_key(&fake, &arn(), CONTEXT, NOW).unwrap();
    assert_eq!((*key, wrapped.as_slice()), (DATA_KEY, WRAPPED));
    assert_eq!(*kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW).unwrap(), DATA_KEY);
    assert_eq!(*fake.named.lock().unwrap(), recipient().public());
    assert!(fake.recipients.lock().unwrap().is_empty(), "one key each");

    let attested = json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": base64(DOCUMENT) });
    let context = json!({ "capelet": CONTEXT });
    let bodies = [
        json!({ "KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": context, "Recipient": attested }),
        json!({
            "KeyId": ARN, "CiphertextBlob": base64(WRAPPED), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "EncryptionContext": context, "Recipient": attested,
        }),
    ];
    for (n, (action, body)) in ["GenerateDataKey", "Decrypt"].into_iter().zip(bodies).enumerate() {
        let (head, sent) = fake.request(n);
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), body);
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
        let scope = "Credential=AKIDEXAMPLE/20150830/eu-central-1/kms/aws4_request";
        assert!(head[6].starts_with(&format!("authorization: AWS4-HMAC-SHA256 {scope}, {signed}")));
        assert_eq!(
            [&head[..6], &head[7..]].concat(),
            [
                "POST / HTTP/1.1",
                "content-type: application/x-amz-json-1.1",
                "host: kms.eu-central-1.amazonaws.com",
                "x-amz-date: 20150830T123600Z",
                "x-amz-security-token: TOKEN==",
                &format!("x-amz-target: TrentService.{action}"),
                &format!("content-length: {}", sent.len()),
                "connection: close",
            ]
        );
    }
}

#[test]
fn credentials_without_a_token() {
    let fake = Fake::new([ok(&json!({ "Policy": "{}", "PolicyName": "default" }))]);
    *fake.credentials.lock().unwrap() = credentials("");
    assert_eq!(kms::key_policy(&fake, &arn(), NOW).as_deref(), Ok("{}"));
    let (head, _) = fake.request(0);
    assert!(head.iter().all(|field| !field.contains("token")));
}

#[test]
fn credentials_that_are_none_send_nothing() {
    let parent = Error::Malformed(Part::Parent);
    for (answer, error) in [
        (credentials("TOKEN\r\n\r\nPOST / HTTP/1.1"), parent),
        (credentials("TOKEN\n"), parent),
        (credentials("TO KEN"), parent),
        (credentials("T\u{f6}KEN"), parent),
        (Answer::NotFound, Error::ParentFailed),
        (Answer::Failed, Error::ParentFailed),
        (Answer::Body(Vec::new()), Error::ParentFailed),
    ] {
        let fake = Fake::new([ok(&json!({ "Policy": "{}" }))]);
        *fake.credentials.lock().unwrap() = answer;
        assert_eq!(kms::key_policy(&fake, &arn(), NOW), Err(error));
        assert_eq!(fake.sent(), 0);
    }
}

#[test]
fn answers_in_pieces_of_any_size() {
    let answer = ok(&decrypted(|_| {}));
    for piece in [1, 2, 3, 7, 4096] {
        assert_eq!(decrypt_with(answer.clone(), piece), Ok(DATA_KEY));
    }
}

#[test]
fn answers_cut_off_at_every_byte() {
    let answer = ok(&json!({ "Policy": "{}", "PolicyName": "default" }));
    for length in 0..answer.len() {
        let fake = Fake::new([answer[..length].to_vec()]);
        assert_eq!(kms::key_policy(&fake, &arn(), NOW), Err(Error::Down(Down::Closed)));
    }
    let mut fake = Fake::new([Vec::new()]);
    fake.end = Err(Down::Deadline);
    assert_eq!(kms::key_policy(&fake, &arn(), NOW), Err(Error::Down(Down::Deadline)));
    assert_eq!(kms::key_policy(&Fake::new([]), &arn(), NOW), Err(Error::Down(Down::Unreachable)));
}

#[test]
fn heads_that_are_refused() {
    let body = json!({ "Policy": "{}" }).to_string();
    let policy = |head: &str, behind: &str| {
        let fake = Fake::new([format!("{head}\r\n\r\n{body}{behind}").into_bytes()]);
        kms::key_policy(&fake, &arn(), NOW)
    };
    let length = format!("Content-Length: {}", body.len());
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\n{length}"), "").as_deref(), Ok("{}"));
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\ncontent-length:{}", body.len()), "").as_deref(), Ok("{}"));
    for head in [
        "HTTP/1.1 200 OK".to_string(),
        format!("HTTP/1.0 200 OK\r\n{length}"),
        format!("HTTP/2 200 OK\r\n{length}"),
        format!("HTTP/1.1 200 OK\r\n{length}\r\n{length}"),
        format!("HTTP/1.1 200 OK\r\n{length}\r\nTransfer-Encoding: chunked"),
        format!("HTTP/1.1 200 OK\r\n{length}\r\nTransfer-Encoding: identity"),
        format!("HTTP/1.1 200 OK\r\n{length}\r\nContent-Encoding: gzip"),
        format!("HTTP/1.1 200 OK\n{length}"),
        format!("HTTP/1.1 200 OK\r\n{length}\n"),
        format!("HTTP/1.1 200 OK\r\n {length}"),
        format!("HTTP/1.1 OK\r\n{length}"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked".to_string(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: +{}", body.len()),
        "HTTP/1.1 200 OK\r\nContent-Length: -1".to_string(),
        "HTTP/1.1 200 OK\r\nContent-Length: 0x10".to_string(),
        "HTTP/1.1 200 OK\r\nContent-Length:".to_string(),
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999".to_string(),
        format!("HTTP/1.1 200 OK\r\n{}{length}", "x: y\r\n".repeat(64)),
        "HTTP/1.1 100 Continue".to_string(),
        "\0".to_string(),
    ] {
        assert_eq!(policy(&head, ""), Err(MALFORMED), "{head}");
    }
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\n{length}"), "x"), Err(MALFORMED), "something behind it");
    assert_eq!(policy("HTTP/1.1 200 OK\r\nContent-Length: 1", ""), Err(MALFORMED), "a length too short");
    let too_large = Err(Error::TooLarge(Part::Kms));
    let length = MAX_BODY + 1;
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}"), ""), too_large);
    let field = "x".repeat(MAX_HEAD);
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx: {field}"), ""), too_large);
    let endless = Fake::new([vec![b'x'; 10 * MAX_HEAD]]);
    assert_eq!(kms::key_policy(&endless, &arn(), NOW), too_large);
}

#[test]
fn answers_about_another_key_or_for_anybody() {
    assert_eq!(decrypt(|_| {}), Ok(DATA_KEY));
    for other in [OTHER, "alias/x", "1234abcd-12ab-34cd-56ef-1234567890ab", "", &ARN.to_uppercase()] {
        assert_eq!(decrypt(|body| body["KeyId"] = json!(other)), Err(Error::KmsMismatch), "{other}");
    }
    let plain = base64(&DATA_KEY);
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(plain)), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(1)), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!([])), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(null)), Ok(DATA_KEY), "as AWS says it may be");
    assert_eq!(decrypt(|body| body["Plaintext"] = json!("")), Ok(DATA_KEY), "as AWS says it may be");
    let without = |body: &mut Value| drop(body.as_object_mut().unwrap().remove("CiphertextForRecipient"));
    assert_eq!(decrypt(without), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["CiphertextForRecipient"] = json!(null)), Err(Error::KmsMismatch));
    let instead = |body: &mut Value| {
        without(body);
        body["Plaintext"] = json!(plain);
    };
    assert_eq!(decrypt(instead), Err(Error::KmsMismatch));
}

#[test]
fn answers_of_another_form() {
    let without = |body: &mut Value| drop(body.as_object_mut().unwrap().remove("KeyId"));
    assert_eq!(decrypt(without), Err(MALFORMED));
    assert_eq!(decrypt(|body| body["KeyId"] = json!(1)), Err(MALFORMED));
    assert_eq!(decrypt(|body| body["CiphertextForRecipient"] = json!(1)), Err(MALFORMED));
    assert_eq!(decrypt(|body| body["CiphertextForRecipient"] = json!("Zg=")), Err(MALFORMED));
    assert_eq!(decrypt(|body| body["CiphertextForRecipient"] = json!("")), Err(Error::CannotOpen));
    assert_eq!(decrypt(|body| body["CiphertextForRecipient"] = json!(sealed().short)), Err(Error::CannotOpen));
    let body = decrypted(|_| {}).to_string();
    let twice = format!(r#"{{"KeyId":"{ARN}",{}"#, &body[1..]);
    for body in [twice.as_str(), "", "[]", "{}", "null", "{", &format!("{body}{body}"), &body.replace(':', "=")] {
        assert_eq!(decrypt_with(response("200 OK", body), usize::MAX), Err(MALFORMED), "{body}");
    }
    // To another key: its message is not ours.
    let fake = Fake::new([ok(&decrypted(|_| {}))]);
    fake.recipients.lock().unwrap().push(Known::of(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap()));
    let opened = kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW);
    assert_eq!(opened.map(|_| ()), Err(Error::CannotOpen));
}

#[test]
fn wrapped_keys_have_a_length() {
    for wrapped in [vec![], vec![0; MAX_WRAPPED + 1]] {
        let fake = Fake::new([ok(&decrypted(|_| {}))]);
        let opened = kms::decrypt(&fake, &arn(), CONTEXT, &wrapped, NOW);
        assert_eq!(opened.map(|_| ()), Err(Error::CannotOpen));
        assert_eq!(fake.sent(), 0);
        let answer = json!({
            "CiphertextBlob": base64(&wrapped), "CiphertextForRecipient": sealed().message, "KeyId": ARN,
        });
        let fake = Fake::new([ok(&answer)]);
        fake.recipients.lock().unwrap().push(recipient());
        let made = kms::generate_data_key(&fake, &arn(), CONTEXT, NOW);
        assert_eq!(made.map(|_| ()), Err(Error::KmsMismatch));
    }
}

#[test]
fn errors_of_kms() {
    let cases = [
        ("AccessDeniedException", Error::KmsDenied),
        ("com.amazonaws.kms#AccessDeniedException", Error::KmsDenied),
        ("NotFoundException", Error::KmsKeyUnusable),
        ("DisabledException", Error::KmsKeyUnusable),
        ("KMSInvalidStateException", Error::KmsKeyUnusable),
        ("InvalidKeyUsageException", Error::KmsKeyUnusable),
        ("InvalidCiphertextException", Error::CannotOpen),
        ("IncorrectKeyException", Error::CannotOpen),
        ("ThrottlingException", Error::KmsUnavailable),
        ("DependencyTimeoutException", Error::KmsUnavailable),
        ("ExpiredTokenException", Error::ParentFailed),
        ("UnrecognizedClientException", Error::ParentFailed),
        ("InvalidSignatureException", Error::ParentFailed),
        ("ValidationException", MALFORMED),
        ("", MALFORMED),
    ];
    for (name, error) in cases {
        for status in ["400 Bad Request", "403 Forbidden"] {
            let body = json!({ "__type": name, "message": "whatever" }).to_string();
            assert_eq!(decrypt_with(response(status, &body), usize::MAX), Err(error), "{name}");
        }
    }
    for body in ["", "<html>", r#"{"__type":"KMSInternalException"}"#, r#"{"__type":"AccessDeniedException"}"#] {
        assert_eq!(decrypt_with(response("500 E", body), usize::MAX), Err(Error::KmsUnavailable));
        assert_eq!(decrypt_with(response("503 E", body), usize::MAX), Err(Error::KmsUnavailable));
    }
    // No success without its status, whatever the body says.
    for status in ["201 Created", "204 No Content", "301 Moved", "400 Bad Request"] {
        let body = decrypted(|_| {}).to_string();
        assert_eq!(decrypt_with(response(status, &body), usize::MAX), Err(MALFORMED), "{status}");
    }
}

#[test]
fn a_policys_text() {
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

fn facts() -> Value {
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

/// The values of `describe`, by its reader: five texts, a boolean, a store, grants.
fn read(describe: &[u8]) -> (Vec<String>, bool, Option<String>, Vec<String>) {
    let mut reader = Reader::new(describe, Part::Kms).unwrap();
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
fn a_keys_facts_and_its_grants_over_two_pages() {
    let (a, b, c) = (grant("a"), grant("b"), grant("c"));
    let second = [a.clone()];
    let fake = Fake::new([ok(&facts()), page(&[c.clone(), b.clone()], Some("m\"1")), page(&second, None)]);
    let described = read(&kms::describe(&fake, &arn(), NOW).unwrap());
    let texts = ["CUSTOMER", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled", "AWS_KMS"].map(String::from).to_vec();
    assert_eq!(described, (texts, false, None, vec![a, b, c]));
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
fn a_key_in_a_store_of_its_own() {
    let mut facts = facts();
    facts["KeyMetadata"]["CustomKeyStoreId"] = json!("cks-1");
    facts["KeyMetadata"]["MultiRegion"] = json!(true);
    let fake = Fake::new([ok(&facts), page(&[], None)]);
    let (_, multi_region, store, grants) = read(&kms::describe(&fake, &arn(), NOW).unwrap());
    assert_eq!((multi_region, store.as_deref(), grants.len()), (true, Some("cks-1"), 0));
}

#[test]
fn facts_that_are_refused() {
    let described = |edit: &dyn Fn(&mut Value)| {
        let mut facts = facts();
        edit(&mut facts["KeyMetadata"]);
        kms::describe(&Fake::new([ok(&facts), page(&[], None)]), &arn(), NOW).map(|_| ())
    };
    assert_eq!(described(&|_| {}), Ok(()));
    assert_eq!(described(&|facts| facts["Arn"] = json!(OTHER)), Err(Error::KmsMismatch));
    for name in ["Arn", "KeyManager", "KeySpec", "KeyUsage", "KeyState", "Origin", "MultiRegion"] {
        let without = |facts: &mut Value| drop(facts.as_object_mut().unwrap().remove(name));
        assert_eq!(described(&without), Err(MALFORMED), "{name}");
    }
    assert_eq!(described(&|facts| facts["MultiRegion"] = json!("false")), Err(MALFORMED));
    assert_eq!(kms::describe(&Fake::new([ok(&json!({}))]), &arn(), NOW), Err(MALFORMED));
}

#[test]
fn grants_that_are_refused() {
    let described = |pages: Vec<Vec<u8>>| {
        let fake = Fake::new([vec![ok(&facts())], pages].concat());
        (kms::describe(&fake, &arn(), NOW).map(|_| ()), fake.sent())
    };
    let endless = described((0..100).map(|n| page(&[grant(&n.to_string())], Some("more"))).collect());
    assert_eq!(endless, (Err(Error::TooLarge(Part::Kms)), 1 + MAX_PAGES));
    let wide = described(vec![page(&[grant(&"x".repeat(MAX_GRANTS))], None)]);
    assert_eq!(wide, (Err(Error::TooLarge(Part::Kms)), 2));
    let other = grant("a").replace(ARN, OTHER);
    assert_eq!(described(vec![page(&[other], None)]).0, Err(Error::KmsMismatch));
    for body in [
        json!({ "Truncated": false }),
        json!({ "Grants": [] }),
        json!({ "Grants": [], "Truncated": true }),
        json!({ "Grants": {}, "Truncated": false }),
        json!({ "Grants": [1], "Truncated": false }),
        json!({ "Grants": [], "Truncated": "false" }),
    ] {
        assert_eq!(described(vec![ok(&body)]).0, Err(MALFORMED), "{body}");
    }
    // One page that fails is no shorter list.
    let denied = response("400 Bad Request", r#"{"__type":"AccessDeniedException"}"#);
    assert_eq!(described(vec![page(&[grant("a")], Some("m")), denied]).0, Err(Error::KmsDenied));
}
