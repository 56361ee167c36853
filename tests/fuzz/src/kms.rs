//! A KMS with one key, which answers honestly or with the fuzzer's bytes.

use crate::enveloped_data;
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use enclave_core::crypto::sha256;
use enclave_core::encoding::{Channel, base64url_encode};
use enclave_core::kms::Arn;
use enclave_core::{DataKey, TransportError};
use std::collections::VecDeque;
use std::sync::Mutex;

/// The ARN of the one key.
const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// The ARN of a key that KMS does not have.
const MISSING_ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/00000000-12ab-34cd-56ef-1234567890ab";
/// The policy of the one key.
pub const POLICY: &str = "{}";
/// Stands for a recipient's public key; only its digest is used.
pub const RECIPIENT: &[u8] = b"a recipient's public key";
/// The AES-256 key of every CMS message.
pub const CONTENT_KEY: [u8; 32] = [0xce; 32];

/// How KMS answers.
pub enum KmsMode {
    /// Honestly, from the request.
    Honest,
    /// With the fuzzer's bytes.
    Scripted {
        /// The responses, one per connection. Without one left, KMS is unreachable.
        responses: Mutex<VecDeque<Vec<u8>>>,
        /// The most bytes per read.
        piece: usize,
    },
}

impl KmsMode {
    /// Opens a connection.
    pub fn connect(&self) -> Result<KmsConnection, TransportError> {
        match self {
            Self::Honest => Ok(KmsConnection { response: None, piece: usize::MAX }),
            Self::Scripted { responses, piece } => {
                let response = responses.lock().expect("one thread").pop_front().ok_or(TransportError::Unreachable)?;
                Ok(KmsConnection { response: Some(response.into()), piece: *piece })
            }
        }
    }
}

/// A connection for one request. An honest response is made when the request is written.
pub struct KmsConnection {
    response: Option<VecDeque<u8>>,
    piece: usize,
}

impl Channel for KmsConnection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let response = self.response.as_mut().ok_or(TransportError::Closed)?;
        let count = buffer.len().min(self.piece).min(response.len());
        buffer.iter_mut().zip(response.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if self.response.is_none() {
            let (status, body) = honest_answer(bytes);
            self.response = Some(http_response(status, body.as_bytes()).into());
        }
        Ok(())
    }
}

/// Returns the key's ARN.
pub fn arn() -> Arn {
    Arn::parse(ARN).expect("a valid ARN")
}

/// Returns the ARN of a key that KMS does not have.
pub fn missing_arn() -> Arn {
    Arn::parse(MISSING_ARN).expect("a valid ARN")
}

/// Encodes an HTTP response.
pub fn http_response(status: u16, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// Returns the data key that `wrapped` unwraps to.
pub fn data_key(wrapped: &[u8]) -> DataKey {
    DataKey::new(&sha256(&[b"the data key of ", wrapped]))
}

/// Returns the HTTP status and the body of an honest answer. A wrapped data key is its encryption context.
fn honest_answer(request: &[u8]) -> (u16, String) {
    let request = std::str::from_utf8(request).expect("a request is UTF-8");
    let (head, body) = request.split_once("\r\n\r\n").expect("a request has a head");
    let body: serde_json::Value = serde_json::from_str(body).expect("a request's body is JSON");
    let refusal = |name: &str| (400, format!(r#"{{"__type":"{name}"}}"#));
    if body["KeyId"] != ARN {
        return refusal("NotFoundException");
    }
    let action = head.split_once("x-amz-target: TrentService.").and_then(|(_, rest)| rest.split_once("\r\n"));
    let context = body["EncryptionContext"]["capelet"].as_str().unwrap_or_default();
    let metadata = r#""KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT""#;
    let answer = match action.expect("a request names its action").0 {
        "GetKeyPolicy" => format!(r#"{{"Policy":"{POLICY}"}}"#),
        "DescribeKey" => format!(
            r#"{{"KeyMetadata":{{"Arn":"{ARN}",{metadata},"KeyState":"Enabled","Origin":"AWS_KMS","MultiRegion":false}}}}"#
        ),
        "ListGrants" => r#"{"Grants":[],"Truncated":false}"#.into(),
        "Decrypt" if body["CiphertextBlob"] != base64(context.as_bytes()) => {
            return refusal("InvalidCiphertextException");
        }
        _ => format!(
            r#"{{"KeyId":"{ARN}","CiphertextBlob":"{}","CiphertextForRecipient":"{}"}}"#,
            base64(context.as_bytes()),
            base64(&message(data_key(context.as_bytes()).as_bytes()))
        ),
    };
    (200, answer)
}

/// Encodes base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    let text = base64url_encode(bytes).replace('-', "+").replace('_', "/");
    let padding = text.len().next_multiple_of(4) - text.len();
    text + &"=".repeat(padding)
}

/// Encrypts `plain` in a CMS message to the one recipient.
pub fn message(plain: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, &CONTENT_KEY).expect("an AES-256 key has 32 bytes");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("AES has a CBC mode");
    let mut content = plain.to_vec();
    let iv = EncryptionContext::Iv128(FixedLength::from([5; 16]));
    key.less_safe_encrypt(&mut content, iv).expect("encryption succeeds");
    enveloped_data::encode(&sha256(&[RECIPIENT]), &[4; 256], &[5; 16], &content)
}
