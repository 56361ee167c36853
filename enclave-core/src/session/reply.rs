//! What a handler gives back.

use crate::Error;
use crate::encoding::SecretVec;
use crate::messages::{RunResult, Status, empty_map};
use crate::platform::Platform;
use crate::state::Reservation;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// How a request ended, and what goes with it.
pub(super) struct Reply<'p, P: Platform> {
    /// How it ended.
    pub status: Status,
    /// The verb's result.
    pub result: Zeroizing<Vec<u8>>,
    /// A signed receipt.
    pub receipt: Option<Vec<u8>>,
    /// The body.
    pub body: Option<ReplyBody<'p, P>>,
}

/// A body, and the memory reserved for it until it is sent. A client may take its time to read it.
pub(super) struct ReplyBody<'p, P: Platform> {
    /// The bytes.
    pub bytes: SecretVec,
    /// At least the capacity of `bytes`.
    pub _reservation: Reservation<'p, P>,
}

impl<P: Platform> Reply<'_, P> {
    /// The request is done, with this result.
    pub fn done(result: Vec<u8>) -> Self {
        Self { status: Status::DONE, result: Zeroizing::new(result), receipt: None, body: None }
    }

    /// The request is done, without a result.
    pub fn empty() -> Self {
        Self::done(empty_map())
    }

    /// The request failed.
    pub fn failed(error: Error) -> Self {
        let status = Status::of(error);
        let result = RunResult { value: status.value(), stderr: None }.encode();
        Self { status, result, receipt: None, body: None }
    }
}
