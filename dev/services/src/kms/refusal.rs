//! Refusals of KMS, with the names that AWS gives them.

use serde_json::{Value, json};
use std::fmt;

/// An error of the AWS KMS API Reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// Neither the policy nor a grant allows the call.
    AccessDenied,
    /// The key was not found at this endpoint.
    NotFound,
    /// The ciphertext is damaged, or has another encryption context.
    InvalidCiphertext,
    /// The ciphertext belongs to another key than the named one.
    IncorrectKey,
    /// A parameter is invalid. A document that does not verify gives the same name here. AWS does not publish its name
    /// for that case.
    Validation,
    /// The text is not a key policy, or the policy would lock its author out.
    MalformedPolicyDocument,
    /// The ARN is not that of a key.
    InvalidArn,
    /// ListGrants did not return this marker.
    InvalidMarker,
    /// This emulator does not support this kind of key.
    UnsupportedOperation,
    /// There are too many keys or grants.
    LimitExceeded,
    /// The body is not JSON.
    Serialization,
    /// The operation is unknown.
    UnknownOperation,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// A part of the signature is missing.
    IncompleteSignature,
    /// The signature, its date or its scope is wrong.
    InvalidSignature,
    /// The access key or the session token is unknown.
    UnrecognizedClient,
    /// The emulator failed.
    Internal,
}

impl Exception {
    /// The name in `__type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::NotFound => "NotFoundException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::IncorrectKey => "IncorrectKeyException",
            Self::Validation => "ValidationException",
            Self::MalformedPolicyDocument => "MalformedPolicyDocumentException",
            Self::InvalidArn => "InvalidArnException",
            Self::InvalidMarker => "InvalidMarkerException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::LimitExceeded => "LimitExceededException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::Internal => "KMSInternalException",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        if matches!(self, Self::Internal) { 500 } else { 400 }
    }
}

/// A refusal, as KMS sends it and a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// AWS's name of the error, such as `AccessDeniedException`.
    pub name: String,
    /// The text for people. It may be empty.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { status: exception.status(), name: exception.name().to_string(), message: message.into() }
    }

    /// A failure of the emulator.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exception::Internal, message)
    }

    /// The body of the response. AWS writes `Message` with a capital letter for AccessDeniedException only.
    pub(super) fn body(&self) -> Value {
        let member = if self.name == Exception::AccessDenied.name() { "Message" } else { "message" };
        json!({ "__type": self.name, member: self.message })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}
