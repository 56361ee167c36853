//! A grant. It lets a principal use a key in addition to the policy, without attestation.

use super::principal::Principal;
use serde_json::{Map, Value, json};

/// The operations that a grant of a symmetric encryption key may name.
pub const OPERATIONS: [&str; 13] = [
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

/// A grant.
pub struct Grant {
    /// The id.
    pub id: String,
    /// The name that its creator gave it.
    pub name: Option<String>,
    /// The ARN of the principal that may use the key.
    pub grantee: String,
    /// The allowed operations.
    pub operations: Vec<String>,
    /// The conditions on the encryption context.
    pub constraints: Map<String, Value>,
    /// The time of its creation, in seconds since 1970.
    pub created: f64,
    /// The account of its creator.
    pub account: String,
}

impl Grant {
    /// Whether it allows this principal this action with this encryption context.
    pub fn allows(&self, principal: &Principal, action: &str, context: &Map<String, Value>) -> bool {
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

    /// The stored form.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "grantee": self.grantee, "operations": self.operations,
            "constraints": self.constraints, "created": self.created, "account": self.account,
        })
    }

    /// Reads the stored form. `None` if it is invalid.
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

    /// The GrantListEntry of the AWS KMS API Reference, for the key with this ARN.
    pub fn entry(&self, arn: &str) -> Value {
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
