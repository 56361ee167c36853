//! The parent instance's side of Capelet: it relays bytes and stores bytes, and can read neither.
//!
//! 1. The parent is trusted only for availability. It sees no plaintext and holds no key of an owner or an enclave.
//! 2. Connections, bytes and times are limited. The parent closes a connection that exceeds a limit, and logs that.
//! 3. What was acknowledged is on the disk. What was not acknowledged is either whole or absent.
//! 4. Names in the store are numbers in hexadecimal. No text from outside becomes part of a path.
//! 5. Each connection has one blocking thread. It waits in one place (`poll`), and a deadline or the parent's shutdown
//!    wakes it there.
//!
//! # Map
//! - The command line: [`cli`].
//! - What the operator decides: `settings`, `configuration`, `deployers`, `address`, `kms_route`, `credentials`.
//! - Files: `bounded_file`, `private_file`, `owned_folder`, `json`.
//! - Sockets: `stream`, `listen`, `connect`, `frames`, `relay`. The ports are those of `capelet_abi`.
//! - What the parent does: `services`, with `store` for objects.
//! - Who is served: `connection_limit`, `address_limit`, `enclave_places`; `busy` tells the others.
//! - What holds it together: `parent`, `shutdown_signal`, `log`, `counters`.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod address;
mod address_limit;
mod bounded_file;
mod busy;
pub mod cli;
mod configuration;
mod connect;
mod connection_limit;
mod counters;
mod credentials;
mod deployers;
mod enclave_places;
mod error;
mod frames;
mod json;
mod kms_route;
mod listen;
mod log;
mod owned_folder;
mod parent;
mod private_file;
mod relay;
mod services;
mod settings;
mod shutdown_signal;
mod store;
mod stream;

pub use address::{Address, ENCLAVE_CIDS, Transport};
pub use bounded_file::read_file;
pub use configuration::{RequestedLimits, run_limits};
pub use connect::unix as connect_unix;
pub use credentials::CredentialSource;
pub use deployers::encode_deployers;
pub use error::Error;
pub use json::{has_duplicate_key, parse_json};
pub use kms_route::{KmsRoute, Region};
pub use log::Log;
pub use owned_folder::{FolderFault, FolderPurpose, OwnedFolder, is_marked};
pub use parent::Parent;
pub use private_file::{Links, open_private, read_private, write_private};
pub use settings::{ServiceLimits, Settings};
pub use store::{Incoming, Placed, Store};
