//! What the enclave asks of the parent, and what comes back. Each operation has a connection of its own.
//!
//! Frames are u32be length ‖ content. An operation is one frame of CBOR. For `put` and `replace` the body follows in
//! frames of at most [`MAX_BODY_FRAME`], of which the last is empty; for `get` the answer has a body of this form. The
//! parent stores bytes under a [`StoreKey`] and understands none of them.

mod answer;
mod limits;
mod operation;
mod store_key;

pub use answer::{Answer, Credentials};
pub use limits::{MAX_BODY, MAX_BODY_FRAME, MAX_LISTED, MAX_PARENT_HEAD};
pub use operation::Operation;
#[cfg(feature = "outside")]
pub use operation::ReceivedOperation;
pub use store_key::{ListEntry, StoreKey, StoreKind};
