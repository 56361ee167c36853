//! Data keys from KMS: what the core sends, and how it handles every kind of wrong answer.

use crate::cms::{Known, OAEP, Openssl};
use crate::fake::{ARN, DOCUMENT, Fake, OTHER, arn, credentials};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use capelet_hostile_bytes::truncations;
use enclave_core::crypto::sha256;
use enclave_core::kms::{self, MAX_KMS_BODY, MAX_KMS_HEAD, MAX_WRAPPED};
use enclave_core::parent::Answer;
use enclave_core::{Error, MessageKind, TransportError, UnixMillis};
use serde_json::{Value, json};
use std::sync::OnceLock;

pub const MALFORMED: Error = Error::Malformed(MessageKind::Kms);
const CONTEXT: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
pub const NOW: UnixMillis = UnixMillis::new(1_440_938_160_000);
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
        let openssl = Openssl::new(&known, &sha256(&[known.public()]));
        let message = |plain: &[u8]| base64(&openssl.encrypt(plain, &format!("-stream -aes256 -keyid {OAEP}")));
        Sealed { message: message(&DATA_KEY), short: message(&DATA_KEY[1..]), key }
    })
}

fn recipient() -> Known {
    Known::of(sealed().key.clone())
}

/// Base64 by OpenSSL, without the code under test.
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

pub fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

pub fn ok(body: &Value) -> Vec<u8> {
    response("200 OK", &body.to_string())
}

/// The answer of KMS to Decrypt, changed by `edit`.
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
    kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW).map(|key| *key.as_bytes())
}

fn decrypt(edit: impl Fn(&mut Value)) -> Result<[u8; 32], Error> {
    decrypt_with(ok(&decrypted(edit)), usize::MAX)
}

#[test]
fn generates_and_decrypts_a_data_key_with_a_document_for_its_rsa_key() {
    let answer = json!({
        "CiphertextBlob": base64(WRAPPED), "CiphertextForRecipient": sealed().message, "KeyId": ARN,
    });
    let fake = Fake::new([ok(&answer), ok(&decrypted(|_| {}))]);
    fake.recipients.lock().unwrap().extend([recipient(), recipient()]);
    let (key, wrapped) = kms::generate_data_key(&fake, &arn(), CONTEXT, NOW).unwrap();
    assert_eq!((*key.as_bytes(), wrapped.as_slice()), (DATA_KEY, WRAPPED));
    assert_eq!(*kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW).unwrap().as_bytes(), DATA_KEY);
    assert_eq!(fake.attested_key.lock().unwrap().as_slice(), recipient().public());
    assert!(fake.recipients.lock().unwrap().is_empty(), "each call has its own RSA key");

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
fn signs_with_credentials_without_a_token() {
    let fake = Fake::new([ok(&json!({ "Policy": "{}", "PolicyName": "default" }))]);
    *fake.credentials.lock().unwrap() = credentials("");
    assert_eq!(kms::key_policy(&fake, &arn(), NOW).as_deref(), Ok("{}"));
    let (head, _) = fake.request(0);
    assert!(head.iter().all(|field| !field.contains("token")));
}

#[test]
fn sends_nothing_with_invalid_credentials() {
    let parent = Error::Malformed(MessageKind::Parent);
    let line_in_id = || {
        let Answer::Credentials(mut credentials) = credentials("TOKEN") else { unreachable!() };
        credentials.access_key_id.push_str("\r\nhost: elsewhere");
        Answer::Credentials(credentials)
    };
    for (answer, error) in [
        (credentials("TOKEN\r\n\r\nPOST / HTTP/1.1"), parent),
        (credentials("TOKEN\n"), parent),
        (credentials("TO KEN"), parent),
        (credentials("T\u{f6}KEN"), parent),
        (line_in_id(), parent),
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
fn reads_answers_in_pieces_of_any_length() {
    let answer = ok(&decrypted(|_| {}));
    for piece in [1, 2, 3, 7, 4096] {
        assert_eq!(decrypt_with(answer.clone(), piece), Ok(DATA_KEY));
    }
}

#[test]
fn reports_truncated_late_and_missing_answers() {
    let answer = ok(&json!({ "Policy": "{}", "PolicyName": "default" }));
    for truncated in truncations(&answer) {
        let policy = kms::key_policy(&Fake::new([truncated.to_vec()]), &arn(), NOW);
        assert_eq!(policy, Err(Error::Transport(TransportError::Closed)), "{} bytes", truncated.len());
    }
    let mut fake = Fake::new([Vec::new()]);
    fake.end = Err(TransportError::TimedOut);
    assert_eq!(kms::key_policy(&fake, &arn(), NOW), Err(Error::Transport(TransportError::TimedOut)));
    let unreachable = kms::key_policy(&Fake::new([]), &arn(), NOW);
    assert_eq!(unreachable, Err(Error::Transport(TransportError::Unreachable)));
}

#[test]
fn rejects_invalid_and_oversized_http_heads() {
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
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\n{length}"), "x"), Err(MALFORMED), "trailing bytes");
    assert_eq!(policy("HTTP/1.1 200 OK\r\nContent-Length: 1", ""), Err(MALFORMED), "a length too short");
    let too_large = Err(Error::TooLarge(MessageKind::Kms));
    let length = MAX_KMS_BODY + 1;
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}"), ""), too_large);
    let field = "x".repeat(MAX_KMS_HEAD);
    assert_eq!(policy(&format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx: {field}"), ""), too_large);
    let endless = Fake::new([vec![b'x'; 10 * MAX_KMS_HEAD]]);
    assert_eq!(kms::key_policy(&endless, &arn(), NOW), too_large);
}

#[test]
fn rejects_answers_about_another_key_or_with_a_plaintext() {
    assert_eq!(decrypt(|_| {}), Ok(DATA_KEY));
    for other in [OTHER, "alias/x", "1234abcd-12ab-34cd-56ef-1234567890ab", "", &ARN.to_uppercase()] {
        assert_eq!(decrypt(|body| body["KeyId"] = json!(other)), Err(Error::KmsMismatch), "{other}");
    }
    let plain = base64(&DATA_KEY);
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(plain)), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(1)), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!([])), Err(Error::KmsMismatch));
    assert_eq!(decrypt(|body| body["Plaintext"] = json!(null)), Ok(DATA_KEY), "AWS documents this value");
    assert_eq!(decrypt(|body| body["Plaintext"] = json!("")), Ok(DATA_KEY), "AWS documents this value");
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
fn rejects_answers_of_another_form() {
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
    // The message is encrypted to another RSA key.
    let fake = Fake::new([ok(&decrypted(|_| {}))]);
    fake.recipients.lock().unwrap().push(Known::of(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap()));
    let opened = kms::decrypt(&fake, &arn(), CONTEXT, WRAPPED, NOW);
    assert_eq!(opened.map(|_| ()), Err(Error::CannotOpen));
}

#[test]
fn rejects_wrapped_keys_that_are_empty_or_too_long() {
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
fn each_error_of_kms_has_its_own_meaning() {
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
    // Only status 200 is a success, even if the body is a valid answer.
    for status in ["201 Created", "204 No Content", "301 Moved", "400 Bad Request"] {
        let body = decrypted(|_| {}).to_string();
        assert_eq!(decrypt_with(response(status, &body), usize::MAX), Err(MALFORMED), "{status}");
    }
}
