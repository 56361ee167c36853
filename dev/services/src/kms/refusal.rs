//! AWS' error names.

use serde_json::{Value, json};
use std::fmt;

/// Why KMS does not do something; each is an error of the AWS KMS API Reference.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Neither policy nor grant lets the caller do it.
    AccessDenied,
    /// There is no such key at this endpoint.
    NotFound,
    /// The ciphertext is damaged, or belongs to another encryption context.
    InvalidCiphertext,
    /// The ciphertext is of another key than the one named.
    IncorrectKey,
    /// A parameter is not of its form; a document that does not verify, too (AWS does not publish that name).
    Validation,
    /// The policy is not a key policy, or would lock its author out.
    MalformedPolicyDocument,
    /// An ARN of another service, form or place.
    InvalidArn,
    /// A marker that ListGrants did not give.
    InvalidMarker,
    /// A kind of key that this emulator does not make.
    UnsupportedOperation,
    /// Too many keys, grants or bytes.
    LimitExceeded,
    /// The body is not JSON.
    Serialization,
    /// No such operation.
    UnknownOperation,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// The signature lacks a part.
    IncompleteSignature,
    /// The signature, its date or its scope is wrong.
    InvalidSignature,
    /// The access key or the session token is not known.
    UnrecognizedClient,
    /// The emulator itself failed.
    Internal,
}

impl Why {
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

/// A refusal as it goes over the wire, and as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// AWS' name of the error.
    pub name: String,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub(super) fn new(why: Why, message: impl Into<String>) -> Self {
        Self { status: why.status(), name: why.name().to_string(), message: message.into() }
    }

    /// The body of the response. AccessDeniedException alone writes `Message` with a capital.
    pub(super) fn body(&self) -> Value {
        let member = if self.name == Why::AccessDenied.name() { "Message" } else { "message" };
        json!({ "__type": self.name, member: self.message })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}
