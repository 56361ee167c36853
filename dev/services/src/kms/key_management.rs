//! The operations on keys: CreateKey, DescribeKey, GetKeyPolicy and PutKeyPolicy.

use super::emulator::{Call, Caller, Kms};
use super::key::{Key, Keys};
use super::members::{key_id, needed, text};
use super::policy::{Context, MAX_POLICY, Verdict, default_policy, evaluate, parse};
use super::refusal::{Exception, Refusal};
use serde_json::{Map, Value, json};

impl Kms {
    /// Anyone with credentials may make a key. It belongs to the caller's account.
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
            return Err(Refusal::new(
                Exception::UnsupportedOperation,
                "this emulator makes only symmetric encryption keys of one Region",
            ));
        }
        let account = caller.principal.account;
        let policy = text(body, "Policy", MAX_POLICY)?.map_or_else(|| default_policy(account), str::to_string);
        let description = text(body, "Description", 8192)?.unwrap_or_default().to_string();
        let key = Key::make(account, caller.region, policy, description, self.seconds()?)?;
        self.check_policy(caller, &key, &key.policy, body)?;
        let described = key_metadata(&key);
        self.keys().insert(key)?;
        Ok(described)
    }

    pub(super) fn describe_key(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let keys = self.keys();
        let named = needed(key_id(body)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorize(caller, key, &Call::plain("DescribeKey", &Map::new()))?;
        Ok(key_metadata(key))
    }

    pub(super) fn get_key_policy(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let keys = self.keys();
        let key = self.key_for_policy(&keys, caller, body, "GetKeyPolicy")?;
        Ok(json!({ "Policy": key.policy, "PolicyName": "default" }))
    }

    pub(super) fn put_key_policy(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let new = needed(text(body, "Policy", MAX_POLICY)?, "Policy")?;
        let mut keys = self.keys();
        let key = self.key_for_policy(&keys, caller, body, "PutKeyPolicy")?;
        self.check_policy(caller, key, new, body)?;
        let id = key.id.clone();
        keys.change(&id, |key| key.policy = new.to_string())?;
        Ok(json!({}))
    }

    /// The key whose policy is read or replaced. Its account must be the caller's.
    fn key_for_policy<'k>(
        &self,
        keys: &'k Keys,
        caller: Caller<'_>,
        body: &Map<String, Value>,
        action: &str,
    ) -> Result<&'k Key, Refusal> {
        if text(body, "PolicyName", 128)?.is_some_and(|name| name != "default") {
            return Err(Refusal::new(Exception::NotFound, "the only policy is 'default'"));
        }
        let named = needed(key_id(body)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        if key.account != caller.principal.account {
            return Err(Refusal::new(Exception::AccessDenied, format!("kms:{action} does not cross accounts")));
        }
        self.authorize(caller, key, &Call::plain(action, &Map::new()))?;
        Ok(key)
    }

    /// Checks that the text is a policy, and that it lets the caller replace it again. The caller can bypass the second
    /// check.
    fn check_policy(
        &self,
        caller: Caller<'_>,
        key: &Key,
        text: &str,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let wrong = |text: &str| Refusal::new(Exception::MalformedPolicyDocument, text);
        let parsed = parse(text).map_err(|()| wrong("the policy is not a key policy"))?;
        let bypassed = body.get("BypassPolicyLockoutSafetyCheck") == Some(&Value::Bool(true));
        let (principal, resource) = (caller.principal, key.arn.as_str());
        let context = Context { principal, action: "PutKeyPolicy", resource, pcrs: None };
        if bypassed || evaluate(&parsed, &context) == Verdict::Allowed {
            return Ok(());
        }
        Err(wrong("The new key policy will not allow you to update the key policy in the future."))
    }
}

/// The KeyMetadata of the AWS KMS API Reference.
fn key_metadata(key: &Key) -> Value {
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
