//! GenerateDataKey, Encrypt, Decrypt.

use super::attestation::{self, Attested};
use super::{Call, Caller, Kms, Refusal, Why, blob, key, needed, text};
use aws_lc_rs::rand;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

/// The longest plaintext, ciphertext blob and encryption context, in bytes (AWS KMS API Reference).
const MAX_PLAINTEXT: usize = 4096;
const MAX_BLOB: usize = 6144;
const MAX_CONTEXT: usize = 8192;

impl Kms {
    pub(super) fn generate_data_key(&self, caller: Caller<'_>, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let length = length(body)?;
        let context = context(body)?;
        let recipient = attestation::recipient(body, &self.nsm_roots, self.now()?)?;
        let mut plaintext = vec![0; length];
        rand::fill(&mut plaintext).map_err(|_| Refusal::new(Why::Internal, "random"))?;
        let call = Call { action: "GenerateDataKey", attested: recipient.as_ref(), context: &context };
        let (arn, wrapped) = self.seal(caller, body, &call, &plaintext)?;
        let answer = json!({ "KeyId": arn, "CiphertextBlob": BASE64.encode(&wrapped) });
        self.hand_over(answer, recipient.as_ref(), &plaintext)
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
        let id = key::named_in(&wrapped).ok_or_else(|| Refusal::new(Why::InvalidCiphertext, ""))?;
        let (arn, plaintext) = {
            let keys = self.keys();
            // Whoever names a key means that one; else the blob does, whosever it is.
            let found = match text(body, "KeyId", 2048)? {
                Some(named) => keys.find(named, caller.principal.account, caller.region)?,
                None => keys.by_id(&id, caller.region)?,
            };
            if found.id != id {
                return Err(Refusal::new(Why::IncorrectKey, "the ciphertext is of another key"));
            }
            let call = Call { action: "Decrypt", attested: recipient.as_ref(), context: &context };
            self.authorise(caller, found, &call)?;
            (found.arn.clone(), found.open(&wrapped, &context)?)
        };
        let answer = json!({ "KeyId": arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" });
        self.hand_over(answer, recipient.as_ref(), &plaintext)
    }

    fn seal(
        &self,
        caller: Caller<'_>,
        body: &Map<String, Value>,
        call: &Call<'_>,
        plaintext: &[u8],
    ) -> Result<(String, Vec<u8>), Refusal> {
        let keys = self.keys();
        let named = needed(text(body, "KeyId", 2048)?, "KeyId")?;
        let key = keys.find(named, caller.principal.account, caller.region)?;
        self.authorise(caller, key, call)?;
        Ok((key.arn.clone(), key.seal(plaintext, call.context)?))
    }

    /// To a recipient the plaintext goes sealed and only so; else it goes as it is.
    fn hand_over(&self, mut answer: Value, recipient: Option<&Attested>, plaintext: &[u8]) -> Result<Value, Refusal> {
        match recipient {
            Some(attested) => {
                let sealed = self.sealer.seal(&attested.public_key, plaintext);
                let sealed = sealed.map_err(|error| Refusal::new(Why::Internal, error.to_string()))?;
                answer["CiphertextForRecipient"] = json!(BASE64.encode(&sealed));
            }
            None => answer["Plaintext"] = json!(BASE64.encode(plaintext)),
        }
        Ok(answer)
    }
}

/// KeySpec or NumberOfBytes, one of the two.
fn length(body: &Map<String, Value>) -> Result<usize, Refusal> {
    let invalid = |text: &str| Refusal::new(Why::Validation, text);
    let number = body.get("NumberOfBytes").filter(|number| !number.is_null());
    match (text(body, "KeySpec", 16)?, number) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(number)) => {
            let length = number.as_u64().filter(|number| (1..=1024).contains(number));
            length.map(|number| number as usize).ok_or_else(|| invalid("NumberOfBytes is not of 1 to 1024"))
        }
        _ => Err(invalid("either KeySpec (AES_256, AES_128) or NumberOfBytes")),
    }
}

fn context(body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let invalid = || Refusal::new(Why::Validation, "EncryptionContext is not a map of strings");
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

fn symmetric(body: &Map<String, Value>) -> Result<(), Refusal> {
    match text(body, "EncryptionAlgorithm", 64)? {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(_) => Err(Refusal::new(Why::Validation, "EncryptionAlgorithm is not SYMMETRIC_DEFAULT")),
    }
}
