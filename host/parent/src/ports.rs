//! The vsock ports that the parent and the enclave use.

/// The port on which the enclave serves clients.
pub const CLIENTS: u32 = 5000;
/// The parent's port for the enclave's operations.
pub const OPERATIONS: u32 = 8000;
/// The parent's port for the enclave's traffic to KMS.
pub const KMS: u32 = 8001;
/// The parent's port for the heartbeat of an enclave that has booted. `nitro-cli` expects this number.
pub const HEARTBEAT: u32 = 9000;
