//! Keys. A key is 32 secret bytes, a policy and grants. Each is stored in a JSON file with mode 0600.

use super::grant::Grant;
use super::refusal::{Exception, Refusal};
use crate::Error;
use crate::private_files::{make_directory, read, replace};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest number of keys.
const MAX_KEYS: usize = 10_000;
/// The first byte of every ciphertext blob.
const BLOB_VERSION: u8 = 1;
/// The size of the head of a blob, in bytes: version, key id, nonce.
const BLOB_HEAD: usize = 1 + 16 + NONCE_LEN;

/// A symmetric key.
pub struct Key {
    /// The id, a UUID.
    pub id: String,
    /// The ARN.
    pub arn: String,
    /// The account that owns it.
    pub account: String,
    /// The region.
    pub region: String,
    /// The description that its creator gave.
    pub description: String,
    /// The time of its creation, in seconds since 1970.
    pub created: f64,
    /// The policy, byte for byte as it was given.
    pub policy: String,
    /// The grants, oldest first.
    pub grants: Vec<Grant>,
    material: [u8; 32],
}

impl Key {
    /// Makes a new key in this account and region.
    ///
    /// # Errors
    /// `KMSInternalException`.
    pub fn make(
        account: &str,
        region: &str,
        policy: String,
        description: String,
        created: f64,
    ) -> Result<Self, Refusal> {
        let (mut id, mut material) = ([0; 16], [0; 32]);
        let filled = rand::fill(&mut id).and_then(|()| rand::fill(&mut material));
        filled.map_err(|_| Refusal::internal("the random number generator failed"))?;
        // A UUID of version 4 (RFC 9562, 5.4).
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let id = uuid(&id);
        let partition = if region.starts_with("cn-") {
            "aws-cn"
        } else if region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        };
        let arn = format!("arn:{partition}:kms:{region}:{account}:key/{id}");
        let (account, region) = (account.to_string(), region.to_string());
        Ok(Self { id, arn, account, region, description, created, policy, grants: Vec::new(), material })
    }

    /// Encrypts under the key with AES-256-GCM. The blob is version ‖ key id ‖ nonce ‖ ciphertext. It is authenticated
    /// with the encryption context.
    ///
    /// # Errors
    /// `KMSInternalException`.
    pub fn seal(&self, plaintext: &[u8], context: &Map<String, Value>) -> Result<Vec<u8>, Refusal> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Refusal::internal("the random number generator failed"))?;
        let mut blob = vec![BLOB_VERSION];
        blob.extend_from_slice(&parse_uuid(&self.id).ok_or_else(|| Refusal::internal("the key id is not a UUID"))?);
        blob.extend_from_slice(&nonce);
        let mut data = plaintext.to_vec();
        let aad = Aad::from(additional_data(&blob, context));
        let sealed = self.cipher()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut data);
        sealed.map_err(|_| Refusal::internal("the encryption failed"))?;
        blob.append(&mut data);
        Ok(blob)
    }

    /// Decrypts a blob that [`Key::seal`] made with the same context.
    ///
    /// # Errors
    /// `InvalidCiphertextException`.
    pub fn open(&self, blob: &[u8], context: &Map<String, Value>) -> Result<Vec<u8>, Refusal> {
        let wrong = || Refusal::new(Exception::InvalidCiphertext, "");
        let (head, data) = blob.split_at_checked(BLOB_HEAD).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(&head[17..]).map_err(|_| wrong())?;
        let mut data = data.to_vec();
        let aad = Aad::from(additional_data(head, context));
        let opened = self.cipher()?.open_in_place(nonce, aad, &mut data).map_err(|_| wrong())?;
        Ok(opened.to_vec())
    }

    fn cipher(&self) -> Result<LessSafeKey, Refusal> {
        let key =
            UnboundKey::new(&AES_256_GCM, &self.material).map_err(|_| Refusal::internal("the key is unusable"))?;
        Ok(LessSafeKey::new(key))
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "arn": self.arn, "account": self.account, "region": self.region,
            "description": self.description, "created": self.created, "policy": self.policy,
            "grants": self.grants.iter().map(Grant::to_json).collect::<Vec<_>>(),
            "material": BASE64.encode(&self.material),
        })
    }

    fn from_json(json: &Value) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_string);
        let material = BASE64.decode(text("material")?.as_bytes()).ok()?;
        Some(Self {
            id: text("id")?,
            arn: text("arn")?,
            account: text("account")?,
            region: text("region")?,
            description: text("description")?,
            created: json.get("created")?.as_f64()?,
            policy: text("policy")?,
            grants: json.get("grants")?.as_array()?.iter().map(Grant::from_json).collect::<Option<_>>()?,
            material: material.try_into().ok()?,
        })
    }
}

/// The id of the key that a ciphertext blob names. `None` if the blob is malformed.
pub fn id_in_blob(blob: &[u8]) -> Option<String> {
    let id = blob.strip_prefix(&[BLOB_VERSION])?.first_chunk::<16>()?;
    Some(uuid(id))
}

/// The additional authenticated data of a blob: its head, and the context as JSON that is sorted by name.
fn additional_data(head: &[u8], context: &Map<String, Value>) -> Vec<u8> {
    let sorted: BTreeMap<_, _> = context.iter().collect();
    [head, json!(sorted).to_string().as_bytes()].concat()
}

fn uuid(id: &[u8; 16]) -> String {
    let hex = HEXLOWER.encode(id);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Reads a UUID. `None` if the text is not its only valid form.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let id = HEXLOWER_PERMISSIVE.decode(text.replace('-', "").as_bytes()).ok()?.try_into().ok()?;
    (uuid(&id) == text).then_some(id)
}

/// All keys of a KMS.
pub struct Keys {
    directory: PathBuf,
    keys: BTreeMap<String, Key>,
}

impl Keys {
    /// Loads the keys from this directory, and makes the directory if it is missing.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::StoredKey`].
    pub fn load(directory: &Path) -> Result<Self, Error> {
        make_directory(directory)?;
        let failed = |error| Error::File(directory.to_path_buf(), error);
        let mut keys = BTreeMap::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Other files are the remains of a write that was interrupted.
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = read(&path)?;
            let key = serde_json::from_slice(&bytes).ok().and_then(|json| Key::from_json(&json));
            // Exactly what was written. Of two members with one name, `serde_json` drops the first.
            let key = key.filter(|key| key.to_json().to_string().as_bytes() == bytes);
            let key = key.ok_or(Error::StoredKey(path))?;
            keys.insert(key.id.clone(), key);
        }
        Ok(Self { directory: directory.to_path_buf(), keys })
    }

    /// The key with this id or ARN, for a caller of `account` in `region`.
    ///
    /// # Errors
    /// `NotFoundException`, `InvalidArnException`.
    pub fn find(&self, named: &str, account: &str, region: &str) -> Result<&Key, Refusal> {
        let missing = || Refusal::new(Exception::NotFound, format!("Key '{named}' does not exist"));
        let key = match named.rsplit_once(":key/") {
            Some((_, id)) => self.keys.get(id).filter(|key| key.arn == named),
            None if named.contains([':', '/']) => return Err(Refusal::new(Exception::InvalidArn, named)),
            // An id without an ARN means a key of the caller's account.
            None => self.keys.get(named).filter(|key| key.account == account),
        };
        key.filter(|key| key.region == region).ok_or_else(missing)
    }

    /// The key with this id in this region. It may belong to any account.
    ///
    /// # Errors
    /// `NotFoundException`.
    pub fn by_id(&self, id: &str, region: &str) -> Result<&Key, Refusal> {
        let key = self.keys.get(id).filter(|key| key.region == region);
        key.ok_or_else(|| Refusal::new(Exception::NotFound, format!("Key '{id}' does not exist")))
    }

    /// Stores a new key. It is written to disk first.
    ///
    /// # Errors
    /// `LimitExceededException`, `KMSInternalException`.
    pub fn insert(&mut self, key: Key) -> Result<(), Refusal> {
        if self.keys.len() >= MAX_KEYS {
            return Err(Refusal::new(Exception::LimitExceeded, format!("there are already {MAX_KEYS} keys")));
        }
        self.write(&key)?;
        self.keys.insert(key.id.clone(), key);
        Ok(())
    }

    /// Changes a key. If the change cannot be written to disk, the key stays unchanged.
    ///
    /// # Errors
    /// `NotFoundException`, `KMSInternalException`.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Key)) -> Result<(), Refusal> {
        let old =
            self.keys.get(id).ok_or_else(|| Refusal::new(Exception::NotFound, format!("Key '{id}' does not exist")))?;
        let mut new = Key::from_json(&old.to_json()).ok_or_else(|| Refusal::internal("the stored key is invalid"))?;
        change(&mut new);
        self.write(&new)?;
        self.keys.insert(new.id.clone(), new);
        Ok(())
    }

    fn write(&self, key: &Key) -> Result<(), Refusal> {
        let path = self.directory.join(format!("{}.json", key.id));
        let written = replace(&path, key.to_json().to_string().as_bytes());
        written.map_err(|error| Refusal::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_stored_key_with_a_duplicate_member() {
        let directory = tempfile::tempdir().unwrap();
        let mut keys = Keys::load(directory.path()).unwrap();
        let key = Key::make("111122223333", "eu-central-1", "{}".into(), String::new(), 1.5).unwrap();
        let path = directory.path().join(format!("{}.json", key.id));
        keys.insert(key).unwrap();
        Keys::load(directory.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen('{', r#"{"policy":"another","#, 1)).unwrap();
        assert!(matches!(Keys::load(directory.path()), Err(Error::StoredKey(_))));
    }
}
