//! vsock ports and the parent's CID. On a development transport without vsock, a socket's file name ends in its port.

/// The parent's CID, as the enclave sees it: AWS fixes it to 3. The core and PID 1 connect to it.
pub const PARENT_CID: u32 = 3;

/// The core listens on this port. The parent relays each client to it, byte for byte.
pub const CLIENT_PORT: u32 = 5000;
/// The parent listens on this port for the core's operations: store, and credentials for KMS.
pub const OPERATIONS_PORT: u32 = 8000;
/// The parent listens on this port. It relays TLS between the core and KMS.
pub const KMS_PORT: u32 = 8001;
/// PID 1 sends [`HEARTBEAT`](crate::HEARTBEAT) to this port. AWS fixes it: on AWS `nitro-cli` listens here, elsewhere
/// the parent.
pub const HEARTBEAT_PORT: u32 = 9000;
