//! CMS messages from KMS, in BER.
//!
//! - An accepted message, encoded in DER, is parsed to the same fields.
//! - Both encodings have the same normal form ([`crate::ber`]), so the message has no content besides these fields.

use crate::ber::normal_form;
use crate::enveloped_data;
use enclave_core::kms::Message;

/// The input is a CMS message.
pub fn check(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let again = enveloped_data::encode(&message.recipient, message.encrypted_key, &message.iv, &message.content);
    assert_eq!(Message::parse(&again), Ok(message));
    assert_eq!(normal_form(data), normal_form(&again));
}
