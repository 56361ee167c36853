//! What comes from KMS: messages by KMS itself, messages of the same form by OpenSSL, and exchanges with a KMS whose
//! answers are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "kms_vectors/cms.rs"]
mod cms;
#[path = "kms_vectors/exchange.rs"]
mod exchange;
#[path = "kms_vectors/fake.rs"]
mod fake;
#[path = "kms_vectors/readings.rs"]
mod readings;
