//! Key policies. The evaluator understands the part of IAM's language that admits one image only.
//!
//! It evaluates these elements:
//!
//! - Effect; Principal (`*`, ARNs, accounts); Action (any case, `*` and `?`); Resource (`*` or the key's ARN)
//! - the conditions StringEquals and StringEqualsIgnoreCase over `kms:RecipientAttestation:PCR<n>` and
//!   `kms:RecipientAttestation:ImageSha384`
//!
//! A statement with any other element never allows and always denies. In AWS an account in Principal admits those whom
//! the account's IAM policies admit. Here it admits every principal of the account.

use super::principal::{PARENT, Principal};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The longest policy, in bytes (AWS KMS Developer Guide, "Quotas").
pub const MAX_POLICY: usize = 32_768;

/// The facts about a request that a policy depends on.
pub struct Context<'a> {
    /// The caller.
    pub principal: &'a Principal,
    /// The operation, without `kms:`.
    pub action: &'a str,
    /// The key's ARN.
    pub resource: &'a str,
    /// The PCRs of the verified document. `None` if the request has no document.
    pub pcrs: Option<&'a BTreeMap<usize, Vec<u8>>>,
}

/// The result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows the request and none denies it.
    Allowed,
    /// No statement applies to the request.
    NotAllowed,
    /// A statement denies the request. Other statements do not matter.
    Denied,
}

/// A policy for the parent's role and for the image with this PCR0.
///
/// The role can use the key from that image only. It can also read the facts that a client checks. Nobody can change
/// the policy, so CreateKey needs `BypassPolicyLockoutSafetyCheck`.
pub fn sealed_policy(pcr0: &[u8; 48]) -> String {
    let parent = json!({ "AWS": PARENT.arn });
    let attested = json!({ "StringEquals": { "kms:RecipientAttestation:PCR0": HEXLOWER.encode(pcr0) } });
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Sid": "use", "Effect": "Allow", "Principal": parent, "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
              "Resource": "*", "Condition": attested },
            { "Sid": "read", "Effect": "Allow", "Principal": parent,
              "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"], "Resource": "*" },
        ]
    })
    .to_string()
}

/// The policy of a key for which none was given (AWS KMS Developer Guide, "Default key policy").
pub fn default_policy(account: &str) -> String {
    let root = json!({ "AWS": format!("arn:aws:iam::{account}:root") });
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{ "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": root,
                        "Action": "kms:*", "Resource": "*" }]
    })
    .to_string()
}

/// Reads the statements of a policy.
///
/// # Errors
/// `()` if the text is not a key policy.
pub fn parse(text: &str) -> Result<Vec<Map<String, Value>>, ()> {
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else { return Err(()) };
    let statements = match policy.get("Statement") {
        Some(Value::Array(list)) if !list.is_empty() => list.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => return Err(()),
    };
    let mut parsed = Vec::new();
    for statement in statements {
        let Value::Object(statement) = statement else { return Err(()) };
        let has = |one: &str, other: &str| statement.contains_key(one) != statement.contains_key(other);
        let effect = statement.get("Effect").and_then(Value::as_str);
        let whole = has("Principal", "NotPrincipal") && has("Action", "NotAction") && has("Resource", "NotResource");
        if !whole || !matches!(effect, Some("Allow" | "Deny")) {
            return Err(());
        }
        parsed.push(statement);
    }
    Ok(parsed)
}

/// Evaluates the statements. A denial overrides every permission.
pub fn evaluate(statements: &[Map<String, Value>], context: &Context<'_>) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    for statement in statements {
        let denies = statement.get("Effect").and_then(Value::as_str) != Some("Allow");
        // If it is unknown whether a statement applies, a denial applies and a permission does not.
        let applies = applies(statement, context).unwrap_or(denies);
        if applies && denies {
            return Verdict::Denied;
        }
        if applies {
            verdict = Verdict::Allowed;
        }
    }
    verdict
}

/// Whether a statement applies to this request. `None` if this evaluator cannot tell.
fn applies(statement: &Map<String, Value>, context: &Context<'_>) -> Option<bool> {
    let parts = [
        principal(statement.get("Principal")?, context.principal),
        any(statement.get("Action")?, |pattern| action(pattern, context.action)),
        any(statement.get("Resource")?, |pattern| resource(pattern, context.resource)),
        statement.get("Condition").map_or(Some(true), |conditions| condition(conditions, context)),
    ];
    // If one part certainly does not match, the statement does not apply, whatever the other parts mean.
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    parts.iter().all(|part| *part == Some(true)).then_some(true)
}

/// Whether one of the strings matches. `None` if this evaluator cannot tell.
fn any(value: &Value, matches: impl Fn(&str) -> Option<bool>) -> Option<bool> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let each: Vec<_> = list.iter().map(|item| item.as_str().and_then(&matches)).collect();
    if each.contains(&Some(true)) { Some(true) } else { each.iter().all(Option::is_some).then_some(false) }
}

fn principal(value: &Value, who: &Principal) -> Option<bool> {
    match value {
        Value::String(all) if all == "*" => Some(true),
        Value::Object(kinds) => {
            let named = |(kind, names): (&String, &Value)| match kind.as_str() {
                "AWS" => any(names, |name| {
                    let root = format!("arn:aws:iam::{}:root", who.account);
                    Some(name == "*" || name == who.arn || name == who.account || name == root)
                }),
                // No service of AWS calls this KMS.
                "Service" => Some(false),
                _ => None,
            };
            let each: Vec<_> = kinds.iter().map(named).collect();
            if each.contains(&Some(true)) { Some(true) } else { each.iter().all(Option::is_some).then_some(false) }
        }
        _ => None,
    }
}

fn action(pattern: &str, action: &str) -> Option<bool> {
    let (pattern, action) = (pattern.to_ascii_lowercase(), format!("kms:{}", action.to_ascii_lowercase()));
    Some(matches_wildcard(pattern.as_bytes(), action.as_bytes()))
}

fn resource(pattern: &str, arn: &str) -> Option<bool> {
    match pattern {
        "*" => Some(true),
        exact if !exact.contains(['*', '?', '$']) => Some(exact == arn),
        _ => None,
    }
}

/// Whether the text matches. `*` stands for any characters, `?` for one character.
fn matches_wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == b'?' || *c == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Whether all operators hold for all keys. `None` if this evaluator cannot tell.
fn condition(value: &Value, context: &Context<'_>) -> Option<bool> {
    let mut unknown = false;
    for (operator, keys) in value.as_object()? {
        for (key, wanted) in keys.as_object()? {
            match holds(operator, key, wanted, context) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => unknown = true,
            }
        }
    }
    (!unknown).then_some(true)
}

fn holds(operator: &str, key: &str, wanted: &Value, context: &Context<'_>) -> Option<bool> {
    let index = match key.to_ascii_lowercase().strip_prefix("kms:recipientattestation:")? {
        "imagesha384" => 0,
        name => name.strip_prefix("pcr")?.parse::<usize>().ok()?,
    };
    let found = context.pcrs.and_then(|pcrs| pcrs.get(&index)).map(|value| HEXLOWER.encode(value));
    let equal: fn(&str, &str) -> bool = match operator {
        "StringEquals" => |one, other| one == other,
        "StringEqualsIgnoreCase" => str::eq_ignore_ascii_case,
        _ => return None,
    };
    // This evaluator does not know variables (`${…}`).
    any(wanted, |text| (!text.contains('$')).then(|| found.as_deref().is_some_and(|found| equal(found, text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::{ADMINISTRATOR, STRANGER};

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0d6b2a0e-6bf0-4b0a-8f0c-0a3f5c0f5a11";
    const IMAGE: [u8; 48] = [0xab; 48];

    fn verdict(policy: &Value, principal: &Principal, action: &str, pcr0: Option<[u8; 48]>) -> Verdict {
        let pcrs = pcr0.map(|value| BTreeMap::from([(0, value.to_vec()), (8, vec![0; 48])]));
        let context = Context { principal, action, resource: ARN, pcrs: pcrs.as_ref() };
        evaluate(&parse(&policy.to_string()).unwrap(), &context)
    }

    /// A policy of one statement about Decrypt, with these changes.
    fn statement(changes: Value) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*" });
        for (name, value) in changes.as_object().unwrap() {
            statement[name] = value.clone();
        }
        statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        json!({ "Statement": [statement] })
    }

    #[test]
    fn sealed_policy_admits_one_image_and_one_role_only() {
        let policy: Value = serde_json::from_str(&sealed_policy(&IMAGE)).unwrap();
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
    fn default_policy_admits_the_account_only() {
        let policy: Value = serde_json::from_str(&default_policy("111122223333")).unwrap();
        assert_eq!(verdict(&policy, &ADMINISTRATOR, "Decrypt", None), Verdict::Allowed);
        assert_eq!(verdict(&policy, &STRANGER, "Decrypt", None), Verdict::NotAllowed);
    }

    #[test]
    fn a_permission_needs_every_part_of_its_statement() {
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
    fn a_denial_wins_also_if_it_is_not_understood() {
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
    fn rejects_texts_that_are_not_a_key_policy() {
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
}
