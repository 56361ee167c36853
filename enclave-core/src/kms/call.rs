//! One call of KMS: credentials from the parent, the exchange, and what KMS' errors come to.

use super::http::{self, Response};
use super::json::Json;
use crate::config::Arn;
use crate::parent::{Answer, Credentials, Operation};
use crate::platform::Platform;
use crate::{Error, Part};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// Calls `action` on the key's host at `now` (milliseconds since 1970) and gives the body of KMS' answer, which is
/// one of success. This is one try: whoever repeats a call does it here, where nothing else is between.
pub fn call<P: Platform>(
    platform: &P,
    arn: &Arn,
    action: &str,
    body: &str,
    now: u64,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let credentials = credentials(platform, arn)?;
    let request = http::request(arn, action, body, &credentials, now);
    let response = http::exchange(&mut platform.kms(&arn.kms_host())?, &request)?;
    if response.status == 200 { Ok(response.body) } else { Err(failure(&response)) }
}

/// The parent's credentials. What they open, the key's policy says: without a document of this image, nothing.
fn credentials<P: Platform>(platform: &P, arn: &Arn) -> Result<Credentials, Error> {
    let credentials = match platform.parent(Operation::Credentials(arn.region()))? {
        Answer::Credentials(credentials) => credentials,
        _ => return Err(Error::ParentFailed),
    };
    // They become header fields: a line break would let the parent write a request of its own behind the enclave's.
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible(&credentials.access_key_id) || !visible(&credentials.session_token) {
        return Err(Error::Malformed(Part::Parent));
    }
    Ok(credentials)
}

/// What an answer that is not of success says (AWS KMS API Reference, "Common Errors" and each action's).
fn failure(response: &Response) -> Error {
    if response.status >= 500 {
        return Error::KmsUnavailable;
    }
    let kind = Json::parse(&response.body).and_then(|body| body.required("__type")?.string());
    let Ok(kind) = kind else { return Error::Malformed(Part::Kms) };
    // The name may come behind that of a namespace: `com.amazonaws.kms#…`.
    match kind.rsplit('#').next().unwrap_or_default() {
        "AccessDeniedException" | "NotAuthorized" | "OptInRequired" => Error::KmsDenied,
        "NotFoundException"
        | "DisabledException"
        | "InvalidArnException"
        | "InvalidKeyUsageException"
        | "KMSInvalidStateException"
        | "UnsupportedOperationException" => Error::KmsKeyUnusable,
        "InvalidCiphertextException" | "IncorrectKeyException" => Error::CannotOpen,
        "ThrottlingException"
        | "LimitExceededException"
        | "RequestLimitExceeded"
        | "DependencyTimeoutException"
        | "KeyUnavailableException"
        | "KMSInternalException"
        | "InternalFailure"
        | "ServiceUnavailable" => Error::KmsUnavailable,
        // What the parent gave is no credential, or one that has expired.
        "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => Error::ParentFailed,
        _ => Error::Malformed(Part::Kms),
    }
}
