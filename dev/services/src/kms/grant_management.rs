//! The operations on grants: CreateGrant and ListGrants.

use super::emulator::{Call, Caller, Kms};
use super::grant::{Grant, OPERATIONS};
use super::members::{key_id, needed, text};
use super::refusal::{Exception, Refusal};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

/// The largest number of grants of a key (AWS KMS Developer Guide, "Quotas").
const MAX_GRANTS: usize = 50_000;

fn random_hex(bytes: usize) -> Result<String, Refusal> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random).map_err(|_| Refusal::internal("the random number generator failed"))?;
    Ok(HEXLOWER.encode(&random))
}

impl Kms {
    pub(super) fn create_grant(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let invalid = |text: &str| Refusal::new(Exception::Validation, text);
        let nothing = Map::new();
        let operations = needed(body.get("Operations").and_then(Value::as_array), "Operations")?;
        let known = |name: &Value| name.as_str().filter(|name| OPERATIONS.contains(name)).map(str::to_string);
        let operations: Vec<_> = operations
            .iter()
            .map(known)
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("Operations has an operation that a grant cannot allow"))?;
        if operations.is_empty() || operations.len() > OPERATIONS.len() {
            return Err(invalid("Operations is empty or repeats operations"));
        }
        let constraints = match body.get("Constraints") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(constraints)) => constraints.clone(),
            Some(_) => return Err(invalid("Constraints is not an object")),
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
        let named = needed(key_id(body)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorize(caller, key, &Call::plain("CreateGrant", &nothing))?;
        if key.grants.len() >= MAX_GRANTS {
            return Err(Refusal::new(Exception::LimitExceeded, format!("the key already has {MAX_GRANTS} grants")));
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
                .ok_or_else(|| Refusal::new(Exception::Validation, "Limit is not a number from 1 to 100"))?,
        };
        let keys = self.keys();
        let named = needed(key_id(body)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorize(caller, key, &Call::plain("ListGrants", &nothing))?;
        // The marker is the id of the last grant of the previous page.
        let begin = match text(body, "Marker", 1024)? {
            None => 0,
            Some(marker) => {
                let seen = key.grants.iter().position(|grant| grant.id == marker);
                1 + seen.ok_or_else(|| Refusal::new(Exception::InvalidMarker, ""))?
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
