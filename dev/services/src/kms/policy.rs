//! Key policies: enough of IAM's language to admit one image and nobody else, and closed to the rest.
//!
//! Evaluated are Effect, Principal (`*`, ARNs, accounts), Action (any case, `*` and `?`), Resource (`*` or the
//! key's ARN) and the conditions StringEquals and StringEqualsIgnoreCase over `kms:RecipientAttestation:PCR<n>` and
//! `…:ImageSha384`. What is not understood never allows and always denies. An account in Principal lets in
//! whomever its IAM policies let in; here they let in everyone of that account.

use super::Principal;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The longest policy, in bytes (AWS KMS Developer Guide, "Quotas").
pub const LONGEST: usize = 32_768;

/// What a request looks like to a policy.
pub struct Context<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The operation, without `kms:`.
    pub action: &'a str,
    /// The key's ARN.
    pub resource: &'a str,
    /// The PCRs of a verified document, if the operation takes one and it came.
    pub pcrs: Option<&'a BTreeMap<usize, Vec<u8>>>,
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it and none denies it.
    Allowed,
    /// No statement speaks of it.
    NotAllowed,
    /// A statement denies it, whatever others say.
    Denied,
}

/// A policy that lets the parent's role use the key from the image with this PCR0 and read what a client checks,
/// and lets nobody change it. Such a key is made with `BypassPolicyLockoutSafetyCheck`.
pub fn sealed(pcr0: &[u8; 48]) -> String {
    let parent = json!({ "AWS": super::PARENT.arn });
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
pub fn default(account: &str) -> String {
    let root = json!({ "AWS": format!("arn:aws:iam::{account}:root") });
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{ "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": root,
                        "Action": "kms:*", "Resource": "*" }]
    })
    .to_string()
}

/// The statements of a policy, if it has the form of one.
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

/// Deny goes before Allow, Allow before silence.
pub fn evaluate(statements: &[Map<String, Value>], context: &Context<'_>) -> Verdict {
    let mut verdict = Verdict::NotAllowed;
    for statement in statements {
        let denies = statement.get("Effect").and_then(Value::as_str) != Some("Allow");
        // A part that is not understood counts as what keeps the door shut.
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

/// Whether a statement speaks of this request; `None` if it cannot be told.
fn applies(statement: &Map<String, Value>, context: &Context<'_>) -> Option<bool> {
    let parts = [
        principal(statement.get("Principal")?, context.principal),
        any(statement.get("Action")?, |pattern| action(pattern, context.action)),
        any(statement.get("Resource")?, |pattern| resource(pattern, context.resource)),
        statement.get("Condition").map_or(Some(true), |conditions| condition(conditions, context)),
    ];
    // What is certainly somebody else's, or of another action, is so whatever the rest means.
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    parts.iter().all(|part| *part == Some(true)).then_some(true)
}

/// Whether one of the strings fits.
fn any(value: &Value, fits: impl Fn(&str) -> Option<bool>) -> Option<bool> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let each: Vec<_> = list.iter().map(|item| item.as_str().and_then(&fits)).collect();
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
                // A service of AWS is nobody who calls here.
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

/// `*` is any run of characters, `?` any one.
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

/// All operators and all keys must hold.
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
    // `${…}` is a variable, which this evaluator does not know.
    any(wanted, |text| (!text.contains('$')).then(|| found.as_deref().is_some_and(|found| equal(found, text))))
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
