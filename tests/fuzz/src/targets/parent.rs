//! The messages between the enclave and its parent.
//!
//! - An accepted request, and an accepted answer, are encoded to the same bytes.

use enclave_core::parent::{Answer, Operation, ReceivedOperation};

/// The input is a request to the parent, or its answer.
pub fn check(data: &[u8]) {
    if let Ok(request) = ReceivedOperation::decode(data) {
        let operation = match &request {
            ReceivedOperation::Boot => Operation::Boot,
            ReceivedOperation::Get(key) => Operation::Get(*key),
            ReceivedOperation::Put(key) => Operation::Put(*key, &[]),
            ReceivedOperation::Replace(key) => Operation::Replace(*key, &[]),
            ReceivedOperation::List { kind, owner, after } => {
                Operation::List { kind: *kind, owner: *owner, after: *after }
            }
            ReceivedOperation::Delete(key) => Operation::Delete(*key),
            ReceivedOperation::Credentials(region) => Operation::Credentials(region),
        };
        assert_eq!(operation.encode().0, data);
    }
    if let Ok(answer) = Answer::decode(data) {
        assert_eq!(answer.encode().0, data);
    }
}
