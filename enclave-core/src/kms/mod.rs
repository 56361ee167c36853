//! The enclave's side of AWS KMS: data keys that come to nobody but this enclave, and what can be read about a key.
//!
//! TLS to KMS ends inside, under roots that are compiled in, at the host that follows from the key's ARN. Attestation
//! authenticates neither key nor context nor ciphertext, so the ARN is sent and compared with the answer's, and every
//! key is bound to the encryption context of one object. An answer with a plaintext in it was made for anybody who
//! reads it, and is refused. Each call takes an RSA key of its own and a document that was made for it.

mod base64;
mod call;
mod http;
mod json;
mod sigv4;

use crate::cbor::Writer;
use crate::cms;
use crate::config::Arn;
use crate::platform::{Platform, Purpose, Recipient};
use crate::{Error, Part};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use call::call;
use json::{Json, quoted};
use zeroize::Zeroizing;

pub use http::{MAX_BODY, MAX_HEAD};

/// A data key, AES-256.
pub type DataKey = Zeroizing<[u8; 32]>;

/// The longest wrapped key, in bytes (AWS KMS API Reference, Decrypt, `CiphertextBlob`).
pub const MAX_WRAPPED: usize = 6_144;
/// The most bytes of all grants together that are read.
pub const MAX_GRANTS: usize = 65_536;
/// The most pages of grants that are read.
pub const MAX_PAGES: usize = 16;

/// A new data key under the key `arn`: in plain, and wrapped, as it is stored. `context` is the value of the
/// encryption context's one entry, `capelet`, without which the wrapped key does not open. `now` is in milliseconds
/// since 1970, as in all of these.
pub fn generate_data_key<P: Platform>(
    platform: &P,
    arn: &Arn,
    context: &str,
    now: u64,
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

/// The data key that [`generate_data_key`] gave with this wrapped one, for the same ARN and context; anything else is
/// [`Error::CannotOpen`].
pub fn decrypt<P: Platform>(
    platform: &P,
    arn: &Arn,
    context: &str,
    wrapped: &[u8],
    now: u64,
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

/// `Recipient`, with a document that names its public key.
fn attested<P: Platform>(platform: &P, recipient: &dyn Recipient) -> Result<String, Error> {
    let document = platform.document(Purpose::Kms { public_key: recipient.public_key() })?;
    Ok(format!(
        r#"{{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256","AttestationDocument":"{}"}}"#,
        base64::encode(&document)
    ))
}

/// The key in an answer that speaks of `arn` and was made for `recipient` alone.
fn open<P: Platform>(answer: Json<'_>, arn: &Arn, recipient: Box<dyn Recipient>) -> Result<DataKey, Error> {
    same_key(answer.required("KeyId")?, arn)?;
    // AWS: "the Plaintext field in the response is null or empty".
    if answer.member("Plaintext")?.is_some_and(|plaintext| !plaintext.is_null() && plaintext.text() != r#""""#) {
        return Err(Error::KmsMismatch);
    }
    let message = answer.member("CiphertextForRecipient")?.filter(|message| !message.is_null());
    let message = base64::decode(&message.ok_or(Error::KmsMismatch)?.string()?)?;
    let key = cms::open::<P::Crypto>(&message, recipient)?;
    Ok(Zeroizing::new(key.as_slice().try_into().map_err(|_| Error::CannotOpen)?))
}

fn same_key(named: Json<'_>, arn: &Arn) -> Result<(), Error> {
    if named.string()? == arn.text() { Ok(()) } else { Err(Error::KmsMismatch) }
}

/// The text of the key's policy, as KMS has it.
pub fn key_policy<P: Platform>(platform: &P, arn: &Arn, now: u64) -> Result<String, Error> {
    let body = format!(r#"{{"KeyId":{},"PolicyName":"default"}}"#, quoted(arn.text()));
    let answer = call(platform, arn, "GetKeyPolicy", &body, now)?;
    Json::parse(&answer)?.required("Policy")?.string()
}

/// What a policy does not show of a key: its facts and its grants, as the protocol's `describe` (deterministic CBOR):
/// {1: KeyManager, 2: KeySpec, 3: KeyUsage, 4: KeyState, 5: Origin, 6: MultiRegion, 7: CustomKeyStoreId / null,
/// 8: [* grant as JSON text]}, the grants in ascending order of their texts, for KMS promises none.
pub fn describe<P: Platform>(platform: &P, arn: &Arn, now: u64) -> Result<Vec<u8>, Error> {
    let answer = call(platform, arn, "DescribeKey", &format!(r#"{{"KeyId":{}}}"#, quoted(arn.text())), now)?;
    let facts = Json::parse(&answer)?.required("KeyMetadata")?;
    same_key(facts.required("Arn")?, arn)?;
    let mut writer = Writer::new();
    writer.map(8);
    for (key, name) in [(1, "KeyManager"), (2, "KeySpec"), (3, "KeyUsage"), (4, "KeyState"), (5, "Origin")] {
        writer.uint(key).text(&facts.required(name)?.string()?);
    }
    writer.uint(6).bool(facts.required("MultiRegion")?.boolean()?);
    let store = facts.member("CustomKeyStoreId")?.filter(|store| !store.is_null()).map(Json::string).transpose()?;
    writer.uint(7).nullable(store, |writer, store| {
        writer.text(&store);
    });
    let grants = grants(platform, arn, now)?;
    writer.uint(8).array(grants.len() as u64);
    for grant in &grants {
        writer.text(grant);
    }
    Ok(writer.finish())
}

/// The key's grants, each as its JSON text as received, ascending; more than [`MAX_GRANTS`] bytes of them or
/// [`MAX_PAGES`] pages are [`Error::TooLarge`].
fn grants<P: Platform>(platform: &P, arn: &Arn, now: u64) -> Result<Vec<String>, Error> {
    let (mut grants, mut bytes, mut marker) = (Vec::new(), 0, String::new());
    for _ in 0..MAX_PAGES {
        let body = format!(r#"{{"KeyId":{},"Limit":100{marker}}}"#, quoted(arn.text()));
        let answer = call(platform, arn, "ListGrants", &body, now)?;
        let answer = Json::parse(&answer)?;
        for grant in answer.required("Grants")?.items()? {
            // A grant of another key is not this one's.
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
    Err(Error::TooLarge(Part::Kms))
}
