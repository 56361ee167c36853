//! The first message of each side: the client's hello and the enclave's evidence.
//!
//! - An accepted hello, and accepted evidence, are encoded to the same bytes.

use enclave_core::messages::{Hello, encode_evidence, parse_evidence};

/// The input is a hello, or evidence.
pub fn check(data: &[u8]) {
    if let Ok(hello) = Hello::parse(data) {
        assert_eq!(hello.encode(), data);
    }
    if let Ok((document, claims)) = parse_evidence(data) {
        assert_eq!(encode_evidence(document, claims), data);
    }
}
