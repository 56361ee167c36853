//! Limits of the messages between enclave and parent.

/// The longest operation or answer, without its body, in bytes: a full page of a list has 270,005.
pub const MAX_PARENT_HEAD: usize = 300_000;
/// The longest frame of a body, in bytes.
pub const MAX_BODY_FRAME: usize = 65_536;
/// The longest stored object, in bytes: a bundle of 64 MiB, its tags, its head.
pub const MAX_BODY: usize = (64 << 20) + (1 << 20);
/// The most entries in one answer to `list`. The enclave asks for the next ones with `after`.
pub const MAX_LISTED: usize = 10_000;
