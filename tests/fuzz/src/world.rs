//! The surroundings of an enclave: a store, a KMS that is honest or says what the fuzzer wants, people with fixed keys.

use crate::cms::enveloped;
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use capelet_abi::outcome::End;
use enclave_core::cbor::Writer;
use enclave_core::config::Arn;
use enclave_core::digest::sha256;
use enclave_core::error::Down;
use enclave_core::identity::Identity;
use enclave_core::parent::{Answer, Credentials, Key, Operation};
use enclave_core::platform::{Channel, Ended, Job, Outcome, Platform, Purpose, Recipient};
use enclave_core::seal::KemSecret;
use enclave_core::shared::Shared;
use enclave_core::{Error, text};
use enclave_core_aws_lc::AwsLc;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use zeroize::Zeroizing;

/// The time of every document.
pub const NOW: u64 = 1_700_000_000_000;
const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// What stands for a recipient's public key, and the key that it opens every message's key to.
const RECIPIENT: &[u8] = b"a recipient's public key";
const CONTENT_KEY: [u8; 32] = [0xce; 32];

/// The KMS key.
pub fn arn() -> Arn {
    Arn::parse(ARN).expect("an ARN")
}

/// Whoever owns what there is.
pub fn owner() -> &'static Identity {
    static OWNER: LazyLock<Identity> = LazyLock::new(|| Identity::from_secret(Zeroizing::new([1; 32])));
    &OWNER
}

/// Whoever owns nothing.
pub fn stranger() -> &'static Identity {
    static STRANGER: LazyLock<Identity> = LazyLock::new(|| Identity::from_secret(Zeroizing::new([2; 32])));
    &STRANGER
}

/// The seed of the owner's vault key.
pub const VAULT_SEED: [u8; 32] = [3; 32];

/// The owner's vault key.
pub fn vault_key() -> &'static KemSecret {
    static KEY: LazyLock<KemSecret> = LazyLock::new(|| KemSecret::from_seed(&VAULT_SEED).expect("a seed"));
    &KEY
}

/// What KMS says.
pub enum Says {
    /// These responses, one a connection, in pieces of so many bytes.
    Bytes(Mutex<VecDeque<Vec<u8>>>, usize),
    /// The truth.
    Truth,
}

/// See the module.
pub struct World {
    /// What the parent stores.
    pub store: Mutex<BTreeMap<Key, Vec<u8>>>,
    says: Says,
    shared: Mutex<Shared>,
    drawn: AtomicU64,
}

impl World {
    /// A world with this KMS and these things stored.
    pub fn new(says: Says, store: BTreeMap<Key, Vec<u8>>) -> Self {
        Self { store: Mutex::new(store), says, shared: Mutex::default(), drawn: AtomicU64::new(0) }
    }
}

/// A document that nobody signed: here the enclave takes its time from it, and the client looks at the claims alone.
pub fn document(purpose: Purpose<'_>) -> Vec<u8> {
    let asked = purpose.request();
    let bytes = |writer: &mut Writer, bytes: &[u8]| {
        writer.bytes(bytes);
    };
    let mut payload = Writer::new();
    payload.map(9).text("module_id").text("i").text("digest").text("SHA384").text("timestamp").uint(NOW);
    payload.text("pcrs").map(0).text("certificate").bytes(&[0]).text("cabundle").array(0);
    payload.text("public_key").nullable(asked.public_key, bytes).text("user_data").bytes(asked.user_data);
    payload.text("nonce").nullable(asked.nonce, bytes);
    let mut document = Writer::new();
    document.array(4).bytes(&[0xa1, 0x01, 0x38, 0x22]).map(0).bytes(&payload.finish()).bytes(&[0; 96]);
    document.finish()
}

/// The data key of a wrapped one.
pub fn data_key(wrapped: &[u8]) -> [u8; 32] {
    sha256(&[b"the data key of ", wrapped])
}

impl Platform for World {
    type Crypto = AwsLc;
    type Kms = Connection;

    fn random(&self, out: &mut [u8]) -> Result<(), Down> {
        for chunk in out.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&sha256(&[&drawn.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }

    fn document(&self, purpose: Purpose<'_>) -> Result<Vec<u8>, Down> {
        Ok(document(purpose))
    }

    fn elapsed(&self) -> u64 {
        0
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        let mut store = self.store.lock().expect("one thread");
        Ok(match operation {
            Operation::Boot => Answer::Boot(Vec::new(), None),
            Operation::Get(key) => store.get(&key).cloned().map_or(Answer::NotFound, Answer::Body),
            Operation::Put(key, _) if store.contains_key(&key) => Answer::Exists,
            Operation::Put(key, bytes) | Operation::Replace(key, bytes) => {
                store.insert(key, bytes.to_vec());
                Answer::Done
            }
            Operation::List { kind, owner, after } => {
                let listed = store.keys().filter(|key| key.kind == kind && key.owner == owner);
                let listed = listed.map(|key| (key.id, key.version));
                Answer::Listed(listed.filter(|entry| after.is_none_or(|after| *entry > after)).collect())
            }
            Operation::Delete(key) => {
                store.remove(&key);
                Answer::Done
            }
            Operation::Credentials(_) => Answer::Credentials(Credentials {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: Zeroizing::new("secret".into()),
                session_token: String::new(),
            }),
        })
    }

    fn kms(&self, _host: &str) -> Result<Connection, Down> {
        match &self.says {
            Says::Truth => Ok(Connection { answer: None, piece: usize::MAX }),
            Says::Bytes(answers, piece) => {
                let answer = answers.lock().expect("one thread").pop_front().ok_or(Down::Unreachable)?;
                Ok(Connection { answer: Some(answer.into()), piece: *piece })
            }
        }
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, Down> {
        Ok(Box::new(Known))
    }

    /// Every function gives its first input back, and ends as that input's first byte says.
    fn work(&self, job: &Job<'_>) -> Result<Outcome, Error> {
        let ended = match job.input.first() {
            Some(0) => Ended::Deadline,
            Some(1) => Ended::Died,
            Some(2) => Ended::Said(End::Status(7)),
            Some(3) => return Err(Error::Busy),
            _ => Ended::Said(End::Completed),
        };
        let (output, diagnostic) = (Zeroizing::new(job.input.to_vec()), Zeroizing::new(b"said".to_vec()));
        Ok(Outcome { ended, output, diagnostic })
    }

    fn shared<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        f(&mut self.shared.lock().expect("one thread"))
    }
}

/// A recipient that opens everything to the same key.
struct Known;

impl Recipient for Known {
    fn public_key(&self) -> &[u8] {
        RECIPIENT
    }

    fn open(self: Box<Self>, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(CONTENT_KEY.to_vec()))
    }
}

/// A connection to KMS: the answer is what it says, or the truth about what was asked.
pub struct Connection {
    answer: Option<VecDeque<u8>>,
    piece: usize,
}

impl Channel for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        let answer = self.answer.as_mut().ok_or(Down::Closed)?;
        let count = buffer.len().min(self.piece).min(answer.len());
        buffer.iter_mut().zip(answer.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        if self.answer.is_none() {
            let (status, body) = truth(bytes);
            self.answer = Some(response(status, body.as_bytes()).into());
        }
        Ok(())
    }
}

/// An HTTP response.
pub fn response(status: u16, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// What an honest KMS answers, which has one key. A wrapped data key is the context that it belongs to.
fn truth(request: &[u8]) -> (u16, String) {
    let request = std::str::from_utf8(request).expect("a request is text");
    let (head, body) = request.split_once("\r\n\r\n").expect("a request");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let refusal = |name: &str| (400, format!(r#"{{"__type":"{name}"}}"#));
    if body["KeyId"] != ARN {
        return refusal("NotFoundException");
    }
    let action = head.split_once("x-amz-target: TrentService.").and_then(|(_, rest)| rest.split_once("\r\n"));
    let context = body["EncryptionContext"]["capelet"].as_str().unwrap_or_default();
    let facts = r#""KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT""#;
    let said = match action.expect("an action").0 {
        "GetKeyPolicy" => r#"{"Policy":"{}"}"#.into(),
        "DescribeKey" => format!(
            r#"{{"KeyMetadata":{{"Arn":"{ARN}",{facts},"KeyState":"Enabled","Origin":"AWS_KMS","MultiRegion":false}}}}"#
        ),
        "ListGrants" => r#"{"Grants":[],"Truncated":false}"#.into(),
        "Decrypt" if body["CiphertextBlob"] != base64(context.as_bytes()) => {
            return refusal("InvalidCiphertextException");
        }
        _ => format!(
            r#"{{"KeyId":"{ARN}","CiphertextBlob":"{}","CiphertextForRecipient":"{}"}}"#,
            base64(context.as_bytes()),
            base64(&message(&data_key(context.as_bytes())))
        ),
    };
    (200, said)
}

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let text = text::base64url_encode(bytes).replace('-', "+").replace('_', "/");
    let padding = text.len().next_multiple_of(4) - text.len();
    text + &"=".repeat(padding)
}

/// A CMS message to the one recipient.
pub fn message(plain: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, &CONTENT_KEY).expect("a key");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("a key");
    let mut content = plain.to_vec();
    let iv = EncryptionContext::Iv128(FixedLength::from([5; 16]));
    key.less_safe_encrypt(&mut content, iv).expect("encrypted");
    enveloped(&sha256(&[RECIPIENT]), &[4; 256], &[5; 16], &content)
}
