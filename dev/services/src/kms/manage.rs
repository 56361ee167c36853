//! Making keys, describing them, and their policies.

use super::key::Key;
use super::{Call, Caller, Context, Kms, Refusal, Why, needed, policy, text};
use serde_json::{Map, Value, json};

impl Kms {
    /// Whoever has credentials may make a key: it is his account's.
    pub(super) fn create_key(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let other = |name: &str, only: &str| match text(body, name, 64) {
            Ok(None) => false,
            Ok(Some(value)) => value != only,
            Err(_) => true,
        };
        if other("KeySpec", "SYMMETRIC_DEFAULT")
            || other("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT")
            || other("KeyUsage", "ENCRYPT_DECRYPT")
            || other("Origin", "AWS_KMS")
            || body.get("MultiRegion").is_some_and(|value| value != &Value::Bool(false))
        {
            return Err(Refusal::new(Why::UnsupportedOperation, "only symmetric keys of one Region are made here"));
        }
        let account = caller.principal.account;
        let policy = text(body, "Policy", policy::LONGEST)?.map_or_else(|| policy::default(account), str::to_string);
        let description = text(body, "Description", 8192)?.unwrap_or_default().to_string();
        let key = Key::make(account, caller.region, policy, description, self.seconds()?)?;
        self.check_policy(caller, &key, &key.policy, body)?;
        let described = describe(&key);
        self.keys().insert(key)?;
        Ok(described)
    }

    pub(super) fn describe_key(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let keys = self.keys();
        let named = needed(text(body, "KeyId", 2048)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorise(caller, key, &Call::plain("DescribeKey", &Map::new()))?;
        Ok(describe(key))
    }

    pub(super) fn get_key_policy(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let keys = self.keys();
        let key = self.for_policy(&keys, caller, body, "GetKeyPolicy")?;
        Ok(json!({ "Policy": key.policy, "PolicyName": "default" }))
    }

    pub(super) fn put_key_policy(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let new = needed(text(body, "Policy", policy::LONGEST)?, "Policy")?;
        let mut keys = self.keys();
        let key = self.for_policy(&keys, caller, body, "PutKeyPolicy")?;
        self.check_policy(caller, key, new, body)?;
        let id = key.id.clone();
        keys.change(&id, |key| key.policy = new.to_string())?;
        Ok(json!({}))
    }

    /// The key whose policy is spoken of; policies are neither read nor put across accounts.
    fn for_policy<'k>(
        &self,
        keys: &'k super::Keys,
        caller: Caller<'_>,
        body: &Map<String, Value>,
        action: &str,
    ) -> Result<&'k Key, Refusal> {
        if text(body, "PolicyName", 128)?.is_some_and(|name| name != "default") {
            return Err(Refusal::new(Why::NotFound, "the only policy is 'default'"));
        }
        let named = needed(text(body, "KeyId", 2048)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        if key.account != caller.principal.account {
            return Err(Refusal::new(Why::AccessDenied, format!("kms:{action} does not cross accounts")));
        }
        self.authorise(caller, key, &Call::plain(action, &Map::new()))?;
        Ok(key)
    }

    /// A policy must be one, and must let its author change it again, unless he says that he knows.
    fn check_policy(
        &self,
        caller: Caller<'_>,
        key: &Key,
        text: &str,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let wrong = |text: &str| Refusal::new(Why::MalformedPolicyDocument, text);
        let parsed = policy::parse(text).map_err(|()| wrong("not a key policy"))?;
        let knows = body.get("BypassPolicyLockoutSafetyCheck") == Some(&Value::Bool(true));
        let (principal, resource) = (caller.principal, key.arn.as_str());
        let context = Context { principal, action: "PutKeyPolicy", resource, pcrs: None };
        if knows || policy::evaluate(&parsed, &context) == policy::Verdict::Allowed {
            return Ok(());
        }
        Err(wrong("The new key policy will not allow you to update the key policy in the future."))
    }
}

/// KeyMetadata of the AWS KMS API Reference.
fn describe(key: &Key) -> Value {
    json!({
        "KeyMetadata": {
            "AWSAccountId": key.account,
            "Arn": key.arn,
            "CreationDate": key.created,
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": key.description,
            "Enabled": true,
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyId": key.id,
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": false,
            "Origin": "AWS_KMS",
        }
    })
}
