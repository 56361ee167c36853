//! One call of KMS: credentials from the parent, the HTTP exchange, and the meaning of KMS's errors.

use crate::kms::arn::Arn;
use crate::kms::http::{self, Response};
use crate::kms::json::Json;
use crate::parent::{Answer, Credentials, Operation};
use crate::platform::Platform;
use crate::time::UnixMillis;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// Calls `action` on the key's host, and gives the body of a successful answer. Nothing is retried.
///
/// # Errors
/// As [`generate_data_key`](crate::kms::generate_data_key).
pub fn call<P: Platform>(
    platform: &P,
    arn: &Arn,
    action: &str,
    body: &str,
    now: UnixMillis,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let credentials = credentials(platform, arn)?;
    let request = http::request(arn, action, body, &credentials, now);
    let response = http::exchange(&mut platform.kms(&arn.kms_host())?, &request)?;
    if response.status == 200 { Ok(response.body) } else { Err(failure(&response)) }
}

/// The parent's credentials. By the key's policy they open nothing without a document of this image.
fn credentials<P: Platform>(platform: &P, arn: &Arn) -> Result<Credentials, Error> {
    let credentials = match platform.parent(Operation::Credentials(arn.region()))? {
        Answer::Credentials(credentials) => credentials,
        _ => return Err(Error::ParentFailed),
    };
    // They become header fields. A line break would let the parent append a request of its own.
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible(&credentials.access_key_id) || !visible(&credentials.session_token) {
        return Err(Error::Malformed(MessageKind::Parent));
    }
    Ok(credentials)
}

/// The error that an unsuccessful answer stands for (AWS KMS API Reference, "Common Errors" and each action's).
fn failure(response: &Response) -> Error {
    if response.status >= 500 {
        return Error::KmsUnavailable;
    }
    let kind = Json::parse(&response.body).and_then(|body| body.required("__type")?.string());
    let Ok(kind) = kind else { return Error::Malformed(MessageKind::Kms) };
    // A namespace may precede the name: `com.amazonaws.kms#…`.
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
        // The parent's credentials are invalid or have expired.
        "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => Error::ParentFailed,
        _ => Error::Malformed(MessageKind::Kms),
    }
}
