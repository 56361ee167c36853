//! Grants: they let a principal in beside the policy, and carry no attestation.

use super::{Call, Caller, Kms, Principal, Refusal, Why, needed, text};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

/// The most grants of a key (AWS KMS Developer Guide, "Quotas").
const MOST: usize = 50_000;
/// The operations that a grant may name, of a symmetric encryption key.
const OPERATIONS: [&str; 13] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
    "DeriveSharedSecret",
];

/// One grant.
pub struct Grant {
    id: String,
    name: Option<String>,
    grantee: String,
    operations: Vec<String>,
    constraints: Map<String, Value>,
    created: f64,
    account: String,
}

impl Grant {
    /// Whether it lets this principal do this with this encryption context.
    pub fn lets(&self, principal: &Principal, action: &str, context: &Map<String, Value>) -> bool {
        let holds = |(kind, wanted): (&String, &Value)| {
            let Some(wanted) = wanted.as_object() else { return false };
            let within = wanted.iter().all(|(name, value)| context.get(name) == Some(value));
            match kind.as_str() {
                "EncryptionContextSubset" => within,
                "EncryptionContextEquals" => within && wanted.len() == context.len(),
                _ => false,
            }
        };
        self.grantee == principal.arn
            && self.operations.iter().any(|operation| operation == action)
            && self.constraints.iter().all(holds)
    }

    /// As it is stored.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "grantee": self.grantee, "operations": self.operations,
            "constraints": self.constraints, "created": self.created, "account": self.account,
        })
    }

    /// As it was stored.
    pub fn from_json(json: &Value) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_string);
        let operations = json.get("operations")?.as_array()?;
        Some(Self {
            id: text("id")?,
            name: text("name"),
            grantee: text("grantee")?,
            operations: operations.iter().map(|name| name.as_str().map(str::to_string)).collect::<Option<_>>()?,
            constraints: json.get("constraints")?.as_object()?.clone(),
            created: json.get("created")?.as_f64()?,
            account: text("account")?,
        })
    }

    /// GrantListEntry of the AWS KMS API Reference.
    fn entry(&self, arn: &str) -> Value {
        let mut entry = json!({
            "KeyId": arn, "GrantId": self.id, "GranteePrincipal": self.grantee, "Operations": self.operations,
            "CreationDate": self.created, "IssuingAccount": format!("arn:aws:iam::{}:root", self.account),
        });
        if let Some(name) = &self.name {
            entry["Name"] = json!(name);
        }
        if !self.constraints.is_empty() {
            entry["Constraints"] = json!(self.constraints);
        }
        entry
    }
}

fn random_hex(bytes: usize) -> Result<String, Refusal> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random).map_err(|_| Refusal::new(Why::Internal, "random"))?;
    Ok(HEXLOWER.encode(&random))
}

impl Kms {
    pub(super) fn create_grant(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let invalid = |text: &str| Refusal::new(Why::Validation, text);
        let nothing = Map::new();
        let operations = needed(body.get("Operations").and_then(Value::as_array), "Operations")?;
        let known = |name: &Value| name.as_str().filter(|name| OPERATIONS.contains(name)).map(str::to_string);
        let operations: Vec<_> =
            operations.iter().map(known).collect::<Option<_>>().ok_or_else(|| invalid("Operations"))?;
        if operations.is_empty() || operations.len() > OPERATIONS.len() {
            return Err(invalid("Operations"));
        }
        let constraints = match body.get("Constraints") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(constraints)) => constraints.clone(),
            Some(_) => return Err(invalid("Constraints")),
        };
        let grant = Grant {
            id: random_hex(32)?,
            name: text(body, "Name", 256)?.map(str::to_string),
            grantee: needed(text(body, "GranteePrincipal", 256)?, "GranteePrincipal")?.to_string(),
            operations,
            constraints,
            created: self.seconds()?,
            account: caller.principal.account.to_string(),
        };
        let mut keys = self.keys();
        let named = needed(text(body, "KeyId", 2048)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorise(caller, key, &Call::plain("CreateGrant", &nothing))?;
        if key.grants.len() >= MOST {
            return Err(Refusal::new(Why::LimitExceeded, "too many grants"));
        }
        let (key_id, grant_id) = (key.id.clone(), grant.id.clone());
        keys.change(&key_id, |key| key.grants.push(grant))?;
        Ok(json!({ "GrantId": grant_id, "GrantToken": random_hex(64)? }))
    }

    pub(super) fn list_grants(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let nothing = Map::new();
        let limit = match body.get("Limit") {
            None | Some(Value::Null) => 50,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| (1..=100).contains(limit))
                .ok_or_else(|| Refusal::new(Why::Validation, "Limit is not a number of 1 to 100"))?,
        };
        let keys = self.keys();
        let named = needed(text(body, "KeyId", 2048)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorise(caller, key, &Call::plain("ListGrants", &nothing))?;
        // The marker is the id of the last grant seen.
        let begin = match text(body, "Marker", 1024)? {
            None => 0,
            Some(marker) => {
                let seen = key.grants.iter().position(|grant| grant.id == marker);
                1 + seen.ok_or_else(|| Refusal::new(Why::InvalidMarker, ""))?
            }
        };
        let rest = &key.grants[begin..];
        let page = &rest[..rest.len().min(limit as usize)];
        let entries: Vec<_> = page.iter().map(|grant| grant.entry(&key.arn)).collect();
        let truncated = page.len() < rest.len();
        let mut answer = json!({ "Grants": entries, "Truncated": truncated });
        if let (true, Some(last)) = (truncated, page.last()) {
            answer["NextMarker"] = json!(last.id);
        }
        Ok(answer)
    }
}
