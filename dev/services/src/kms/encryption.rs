//! The operations that use a key: GenerateDataKey, Encrypt and Decrypt.

use super::attestation::{self, Attested};
use super::emulator::{Call, Caller, Kms};
use super::key;
use super::members::{blob, key_id, needed, text};
use super::refusal::{Exception, Refusal};
use aws_lc_rs::rand;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

/// The longest plaintext, in bytes (AWS KMS API Reference, like the next two).
const MAX_PLAINTEXT: usize = 4096;
/// The longest ciphertext blob, in bytes.
const MAX_BLOB: usize = 6144;
/// The longest encryption context, in bytes.
const MAX_CONTEXT: usize = 8192;

impl Kms {
    pub(super) fn generate_data_key(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let length = length(body)?;
        let context = context(body)?;
        let recipient = attestation::recipient(body, &self.nsm_roots, self.now()?)?;
        let mut plaintext = vec![0; length];
        rand::fill(&mut plaintext).map_err(|_| Refusal::internal("the random number generator failed"))?;
        let call = Call { action: "GenerateDataKey", attested: recipient.as_ref(), context: &context };
        let (arn, wrapped) = self.seal(caller, body, &call, &plaintext)?;
        let answer = json!({ "KeyId": arn, "CiphertextBlob": BASE64.encode(&wrapped) });
        self.with_plaintext(answer, recipient.as_ref(), &plaintext)
    }

    pub(super) fn encrypt(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        symmetric(body)?;
        let plaintext = needed(blob(body, "Plaintext", MAX_PLAINTEXT)?, "Plaintext")?;
        let context = context(body)?;
        let call = Call { action: "Encrypt", attested: None, context: &context };
        let (arn, wrapped) = self.seal(caller, body, &call, &plaintext)?;
        let algorithm = "SYMMETRIC_DEFAULT";
        Ok(json!({ "KeyId": arn, "CiphertextBlob": BASE64.encode(&wrapped), "EncryptionAlgorithm": algorithm }))
    }

    pub(super) fn decrypt(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        symmetric(body)?;
        let wrapped = needed(blob(body, "CiphertextBlob", MAX_BLOB)?, "CiphertextBlob")?;
        let context = context(body)?;
        let recipient = attestation::recipient(body, &self.nsm_roots, self.now()?)?;
        let id = key::id_in_blob(&wrapped).ok_or_else(|| Refusal::new(Exception::InvalidCiphertext, ""))?;
        let (arn, plaintext) = {
            let keys = self.keys();
            // If the request names a key, that key is used. If not, the blob names the key, which may belong to any
            // account.
            let found = match key_id(body)? {
                Some(named) => keys.find(named, caller.principal.account, caller.region)?,
                None => keys.by_id(&id, caller.region)?,
            };
            if found.id != id {
                return Err(Refusal::new(Exception::IncorrectKey, "the ciphertext belongs to another key"));
            }
            let call = Call { action: "Decrypt", attested: recipient.as_ref(), context: &context };
            self.authorize(caller, found, &call)?;
            (found.arn.clone(), found.open(&wrapped, &context)?)
        };
        let answer = json!({ "KeyId": arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" });
        self.with_plaintext(answer, recipient.as_ref(), &plaintext)
    }

    /// Encrypts under the key that the request names. Returns the key's ARN and the ciphertext blob.
    fn seal(
        &self,
        caller: Caller<'_>,
        body: &Map<String, Value>,
        call: &Call<'_>,
        plaintext: &[u8],
    ) -> Result<(String, Vec<u8>), Refusal> {
        let keys = self.keys();
        let named = needed(key_id(body)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorize(caller, key, call)?;
        Ok((key.arn.clone(), key.seal(plaintext, call.context)?))
    }

    /// Adds the plaintext to the answer. With a recipient the answer holds the sealed plaintext only.
    fn with_plaintext(
        &self,
        mut answer: Value,
        recipient: Option<&Attested>,
        plaintext: &[u8],
    ) -> Result<Value, Refusal> {
        match recipient {
            Some(attested) => {
                let sealed = self.sealer.seal(&attested.public_key, plaintext);
                let sealed = sealed.map_err(|error| Refusal::internal(error.to_string()))?;
                answer["CiphertextForRecipient"] = json!(BASE64.encode(&sealed));
            }
            None => answer["Plaintext"] = json!(BASE64.encode(plaintext)),
        }
        Ok(answer)
    }
}

/// The length of the data key in bytes. The request must have either KeySpec or NumberOfBytes.
fn length(body: &Map<String, Value>) -> Result<usize, Refusal> {
    let invalid = |text: &str| Refusal::new(Exception::Validation, text);
    let number = body.get("NumberOfBytes").filter(|number| !number.is_null());
    match (text(body, "KeySpec", 16)?, number) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(number)) => {
            let length = number.as_u64().filter(|number| (1..=1024).contains(number));
            length.map(|number| number as usize).ok_or_else(|| invalid("NumberOfBytes is not a number from 1 to 1024"))
        }
        _ => Err(invalid("the request needs either KeySpec (AES_256 or AES_128) or NumberOfBytes")),
    }
}

/// The encryption context. An absent one is empty.
fn context(body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let message = || format!("EncryptionContext is not a map of strings with at most {MAX_CONTEXT} bytes");
    let invalid = || Refusal::new(Exception::Validation, message());
    let context = match body.get("EncryptionContext") {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(context)) => context,
        Some(_) => return Err(invalid()),
    };
    let length: usize = context.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if length > MAX_CONTEXT || !context.values().all(Value::is_string) {
        return Err(invalid());
    }
    Ok(context.clone())
}

/// Checks that the algorithm is that of a symmetric key.
fn symmetric(body: &Map<String, Value>) -> Result<(), Refusal> {
    match text(body, "EncryptionAlgorithm", 64)? {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(_) => Err(Refusal::new(Exception::Validation, "EncryptionAlgorithm is not SYMMETRIC_DEFAULT")),
    }
}
