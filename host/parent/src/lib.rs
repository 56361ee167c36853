//! The parent instance's side of Capelet: it carries bytes, keeps bytes, and understands neither.
//!
//! 1. The parent is trusted with availability alone: it sees no plaintext and holds no key. What it does well, it
//!    does for the people who use it, not for their safety.
//! 2. Everything is bounded: connections, bytes, time. Who is over a bound is closed, and the log says so.
//! 3. What was acknowledged is on the disk; what was not is either whole or not there.
//! 4. Names in the store are made of numbers in hexadecimal, never of anybody's text.
//! 5. Blocking threads, one a connection, each waiting in one place (`poll`), where a deadline and the parent's
//!    end wake it.
//!
//! Map: what the operator says ([`settings`], [`address`]), what goes over sockets (`stream`, `listen`, `connect`,
//! `frames`), the services (`relay` and `clients`, `operations` with [`store`] and [`credentials`], [`kms`],
//! `heartbeat`), and what holds them together ([`parent`], `accept`, `slots`, `bell`, [`log`], `counters`).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod accept;
pub mod address;
mod bell;
mod clients;
pub mod configuration;
mod connect;
mod counters;
pub mod credentials;
pub mod error;
mod frames;
mod heartbeat;
pub mod kms;
mod listen;
pub mod log;
mod operations;
pub mod parent;
mod relay;
pub mod settings;
mod slots;
pub mod store;
mod stream;

pub use address::{Address, Transport};
pub use error::Error;
pub use log::Log;
pub use parent::Parent;
pub use settings::{Limits, Settings};
pub use store::Store;
