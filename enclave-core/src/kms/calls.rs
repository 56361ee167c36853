//! The calls: GenerateDataKey and Decrypt with `Recipient`, GetKeyPolicy, DescribeKey, ListGrants (AWS KMS API
//! Reference).

use crate::encoding::FixedBytes as _;
use crate::kms::arn::Arn;
use crate::kms::base64;
use crate::kms::cms::open_message;
use crate::kms::exchange::call;
use crate::kms::json::{Json, quoted};
use crate::kms::key_metadata::KeyMetadata;
use crate::platform::{DocumentPurpose, Platform, Recipient};
use crate::time::UnixMillis;
use crate::types::DataKey;
use crate::{Error, MessageKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The longest wrapped key, in bytes (AWS KMS API Reference, Decrypt, `CiphertextBlob`).
pub const MAX_WRAPPED: usize = 6_144;
/// The most bytes of all grants together.
pub const MAX_GRANTS: usize = 65_536;
/// The most pages of grants.
pub const MAX_PAGES: usize = 16;

/// A new data key under the KMS key `arn`: as plaintext, and wrapped for storage. `context` is the value of the
/// encryption context's one entry, `capelet`; KMS unwraps the key only with the same context.
///
/// # Errors
/// [`Error::KmsDenied`], [`Error::KmsKeyUnusable`], [`Error::KmsUnavailable`], [`Error::KmsMismatch`],
/// [`Error::CannotOpen`], [`Error::ParentFailed`], [`Error::Transport`]; [`Error::Malformed`] or [`Error::TooLarge`] of
/// [`MessageKind::Kms`].
pub fn generate_data_key<P: Platform>(
    platform: &P,
    arn: &Arn,
    context: &str,
    now: UnixMillis,
) -> Result<(DataKey, Vec<u8>), Error> {
    let recipient = platform.recipient()?;
    let body = format!(
        r#"{{"KeyId":{},"KeySpec":"AES_256","EncryptionContext":{{"capelet":{}}},"Recipient":{}}}"#,
        quoted(arn.text()),
        quoted(context),
        attested(platform, &*recipient)?,
    );
    let answer = call(platform, arn, "GenerateDataKey", &body, now)?;
    let answer = Json::parse(&answer)?;
    let wrapped = base64::decode(&answer.required("CiphertextBlob")?.string()?)?;
    if !(1..=MAX_WRAPPED).contains(&wrapped.len()) {
        return Err(Error::KmsMismatch);
    }
    Ok((open::<P>(answer, arn, recipient)?, wrapped))
}

/// The data key that [`generate_data_key`] gave with this wrapped one, for the same ARN and context.
///
/// # Errors
/// [`Error::CannotOpen`] for another ARN, context or wrapped key; otherwise as [`generate_data_key`].
pub fn decrypt<P: Platform>(
    platform: &P,
    arn: &Arn,
    context: &str,
    wrapped: &[u8],
    now: UnixMillis,
) -> Result<DataKey, Error> {
    if !(1..=MAX_WRAPPED).contains(&wrapped.len()) {
        return Err(Error::CannotOpen);
    }
    let recipient = platform.recipient()?;
    let body = format!(
        concat!(
            r#"{{"KeyId":{},"CiphertextBlob":"{}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT","#,
            r#""EncryptionContext":{{"capelet":{}}},"Recipient":{}}}"#
        ),
        quoted(arn.text()),
        base64::encode(wrapped),
        quoted(context),
        attested(platform, &*recipient)?,
    );
    let answer = call(platform, arn, "Decrypt", &body, now)?;
    open::<P>(Json::parse(&answer)?, arn, recipient)
}

/// The request's `Recipient`, with a document that contains the recipient's public key.
fn attested<P: Platform>(platform: &P, recipient: &dyn Recipient) -> Result<String, Error> {
    let document = platform.document(DocumentPurpose::Kms { public_key: recipient.public_key() })?;
    Ok(format!(
        r#"{{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256","AttestationDocument":"{}"}}"#,
        base64::encode(&document)
    ))
}

/// The data key in an answer, which must name `arn` and be encrypted to `recipient`.
fn open<P: Platform>(answer: Json<'_>, arn: &Arn, recipient: Box<dyn Recipient>) -> Result<DataKey, Error> {
    same_key(answer.required("KeyId")?, arn)?;
    // AWS KMS API Reference: with `Recipient`, "the Plaintext field in the response is null or empty".
    if answer.member("Plaintext")?.is_some_and(|plaintext| !plaintext.is_null() && plaintext.text() != r#""""#) {
        return Err(Error::KmsMismatch);
    }
    let message = answer.member("CiphertextForRecipient")?.filter(|message| !message.is_null());
    let message = base64::decode(&message.ok_or(Error::KmsMismatch)?.string()?)?;
    let key = open_message::<P::Crypto>(&message, recipient)?;
    DataKey::from_slice(&key).ok_or(Error::CannotOpen)
}

fn same_key(named: Json<'_>, arn: &Arn) -> Result<(), Error> {
    if named.string()? == arn.text() { Ok(()) } else { Err(Error::KmsMismatch) }
}

/// The text of the key's policy, as KMS has it.
///
/// # Errors
/// As [`generate_data_key`].
pub fn key_policy<P: Platform>(platform: &P, arn: &Arn, now: UnixMillis) -> Result<String, Error> {
    let body = format!(r#"{{"KeyId":{},"PolicyName":"default"}}"#, quoted(arn.text()));
    let answer = call(platform, arn, "GetKeyPolicy", &body, now)?;
    Json::parse(&answer)?.required("Policy")?.string()
}

/// The key's metadata and grants.
///
/// # Errors
/// As [`generate_data_key`].
pub fn key_metadata<P: Platform>(platform: &P, arn: &Arn, now: UnixMillis) -> Result<KeyMetadata, Error> {
    let answer = call(platform, arn, "DescribeKey", &format!(r#"{{"KeyId":{}}}"#, quoted(arn.text())), now)?;
    let metadata = Json::parse(&answer)?.required("KeyMetadata")?;
    same_key(metadata.required("Arn")?, arn)?;
    let text = |name| metadata.required(name)?.string();
    let store = metadata.member("CustomKeyStoreId")?.filter(|store| !store.is_null());
    Ok(KeyMetadata {
        key_manager: text("KeyManager")?,
        key_spec: text("KeySpec")?,
        key_usage: text("KeyUsage")?,
        key_state: text("KeyState")?,
        origin: text("Origin")?,
        multi_region: metadata.required("MultiRegion")?.boolean()?,
        custom_key_store_id: store.map(Json::string).transpose()?,
        grants: grants(platform, arn, now)?,
    })
}

/// The key's grants, each as the JSON text received, ascending. More than [`MAX_GRANTS`] bytes or [`MAX_PAGES`] pages
/// are [`Error::TooLarge`].
fn grants<P: Platform>(platform: &P, arn: &Arn, now: UnixMillis) -> Result<Vec<String>, Error> {
    let (mut grants, mut bytes, mut marker) = (Vec::new(), 0, String::new());
    for _ in 0..MAX_PAGES {
        let body = format!(r#"{{"KeyId":{},"Limit":100{marker}}}"#, quoted(arn.text()));
        let answer = call(platform, arn, "ListGrants", &body, now)?;
        let answer = Json::parse(&answer)?;
        for grant in answer.required("Grants")?.items()? {
            // A grant of another key does not belong in the list.
            same_key(grant.required("KeyId")?, arn)?;
            bytes += grant.text().len();
            grants.push(grant.text().to_string());
        }
        if bytes > MAX_GRANTS {
            break;
        }
        if !answer.required("Truncated")?.boolean()? {
            grants.sort_unstable();
            return Ok(grants);
        }
        marker = format!(r#","Marker":{}"#, quoted(&answer.required("NextMarker")?.string()?));
    }
    Err(Error::TooLarge(MessageKind::Kms))
}
