use super::*;
use crate::kms::{ADMINISTRATOR, PARENT, STRANGER};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0d6b2a0e-6bf0-4b0a-8f0c-0a3f5c0f5a11";
const IMAGE: [u8; 48] = [0xab; 48];

fn verdict(policy: &Value, principal: &Principal, action: &str, pcr0: Option<[u8; 48]>) -> Verdict {
    let pcrs = pcr0.map(|value| BTreeMap::from([(0, value.to_vec()), (8, vec![0; 48])]));
    let context = Context { principal, action, resource: ARN, pcrs: pcrs.as_ref() };
    evaluate(&parse(&policy.to_string()).unwrap(), &context)
}

/// One statement about Decrypt, changed as the case says.
fn statement(changes: Value) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*" });
    for (name, value) in changes.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({ "Statement": [statement] })
}

#[test]
fn the_sealed_policy_admits_one_image_only() {
    let policy: Value = serde_json::from_str(&sealed(&IMAGE)).unwrap();
    assert_eq!(verdict(&policy, &PARENT, "Decrypt", Some(IMAGE)), Verdict::Allowed);
    assert_eq!(verdict(&policy, &PARENT, "GenerateDataKey", Some(IMAGE)), Verdict::Allowed);
    assert_eq!(verdict(&policy, &PARENT, "GetKeyPolicy", None), Verdict::Allowed);
    for (who, action, pcr0) in [
        (&PARENT, "Decrypt", None),
        (&PARENT, "Decrypt", Some([0; 48])),
        (&PARENT, "GenerateDataKey", Some([0xac; 48])),
        (&PARENT, "Encrypt", Some(IMAGE)),
        (&PARENT, "PutKeyPolicy", Some(IMAGE)),
        (&PARENT, "CreateGrant", None),
        (&ADMINISTRATOR, "Decrypt", Some(IMAGE)),
        (&ADMINISTRATOR, "GetKeyPolicy", None),
        (&STRANGER, "Decrypt", Some(IMAGE)),
    ] {
        assert_eq!(verdict(&policy, who, action, pcr0), Verdict::NotAllowed, "{} {action}", who.arn);
    }
}

#[test]
fn the_default_policy_admits_the_account() {
    let policy: Value = serde_json::from_str(&default("111122223333")).unwrap();
    assert_eq!(verdict(&policy, &ADMINISTRATOR, "Decrypt", None), Verdict::Allowed);
    assert_eq!(verdict(&policy, &STRANGER, "Decrypt", None), Verdict::NotAllowed);
}

#[test]
fn parts_of_a_statement() {
    let upper = data_encoding::HEXUPPER.encode(&IMAGE);
    let lower = HEXLOWER.encode(&IMAGE);
    for (changes, allowed) in [
        (json!({}), true),
        (json!({ "Action": "KMS:deCRYPT" }), true),
        (json!({ "Action": "kms:De*" }), true),
        (json!({ "Action": "kms:D?crypt" }), true),
        (json!({ "Action": ["kms:Encrypt", "*"] }), true),
        (json!({ "Action": "kms:Decryp" }), false),
        (json!({ "Action": "s3:*" }), false),
        (json!({ "Principal": { "AWS": "111122223333" } }), true),
        (json!({ "Principal": { "AWS": ["x", PARENT.arn] } }), true),
        (json!({ "Principal": { "AWS": "arn:aws:iam::444455556666:root" } }), false),
        (json!({ "Principal": { "Service": "ec2.amazonaws.com" } }), false),
        (json!({ "Principal": { "Federated": "x" } }), false),
        (json!({ "Resource": ARN }), true),
        (json!({ "Resource": ["arn:x", "arn:y"] }), false),
        (json!({ "Resource": "arn:aws:kms:*" }), false),
        (json!({ "NotPrincipal": { "AWS": STRANGER.arn }, "Principal": null }), false),
        (json!({ "NotAction": "kms:Encrypt", "Action": null }), false),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR0": lower } } }), true),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR0": ["x", lower] } } }), true),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:ImageSha384": lower } } }), true),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR0": upper } } }), false),
        (json!({ "Condition": { "StringEqualsIgnoreCase": { "kms:RecipientAttestation:PCR0": upper } } }), true),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR1": lower } } }), false),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:NitroTPMPCR0": lower } } }), false),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR0": "${aws:x}" } } }), false),
        (json!({ "Condition": { "StringNotEquals": { "kms:RecipientAttestation:PCR0": "x" } } }), false),
        (json!({ "Condition": { "StringEqualsIfExists": { "kms:RecipientAttestation:PCR0": lower } } }), false),
        (json!({ "Condition": { "StringEquals": { "kms:ViaService": "x" } } }), false),
        (json!({ "Condition": "odd" }), false),
    ] {
        let found = verdict(&statement(changes.clone()), &PARENT, "Decrypt", Some(IMAGE));
        assert_eq!(found == Verdict::Allowed, allowed, "{changes}");
    }
}

#[test]
fn deny_wins_and_what_is_not_understood_denies() {
    for (deny, expected) in [
        (json!({}), Verdict::Denied),
        (json!({ "Action": "kms:Encrypt" }), Verdict::Allowed),
        (json!({ "Principal": { "AWS": STRANGER.arn } }), Verdict::Allowed),
        (json!({ "Condition": { "Bool": { "aws:SecureTransport": "false" } } }), Verdict::Denied),
        (json!({ "Condition": { "Bool": {} }, "Action": "kms:Encrypt" }), Verdict::Allowed),
        (json!({ "Condition": { "StringEquals": { "kms:RecipientAttestation:PCR0": "x" } } }), Verdict::Allowed),
        (json!({ "NotAction": "kms:Decrypt", "Action": null }), Verdict::Denied),
    ] {
        let mut policy = statement(json!({}));
        let mut denies = statement(deny.clone())["Statement"][0].clone();
        denies["Effect"] = json!("Deny");
        policy["Statement"].as_array_mut().unwrap().push(denies);
        assert_eq!(verdict(&policy, &PARENT, "Decrypt", Some(IMAGE)), expected, "{deny}");
    }
}

#[test]
fn what_is_no_policy() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"Statement":[]}"#,
        r#"{"Statement":["x"]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Resource":"*"}]}"#,
    ] {
        assert_eq!(parse(text), Err(()), "{text}");
    }
}
