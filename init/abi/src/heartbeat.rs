//! The heartbeat, by which a parent learns that the enclave booted.

/// PID 1 sends this byte after boot, and the parent sends it back. AWS fixes its value: `nitro-cli` and the `init.c` of
/// AWS's aws-nitro-enclaves-sdk-bootstrap exchange it.
pub const HEARTBEAT: u8 = 0xB7;
