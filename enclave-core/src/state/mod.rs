//! What the sessions of one boot share: the clock, accepted request ids, caches of KMS's answers, and pools of what there
//! is a fixed amount of.
//!
//! Each part is a plain state machine. The lock around them is the platform's ([`Platform::shared`]).
//!
//! [`Platform::shared`]: crate::platform::Platform::shared

mod access;
mod clock;
mod data_keys;
mod key_readings;
mod pool;
mod replay;
mod shared;

pub use access::{Reservation, forget_old_data_keys, now, reserve};
pub use clock::CLOCK_AGE;
pub(crate) use data_keys::DataKeyName;
pub use data_keys::{DATA_KEY_AGE, MAX_DATA_KEYS};
pub(crate) use key_readings::Reading;
pub use key_readings::{KEY_AGE, KEY_RETRY, MAX_KEYS, MAX_READINGS};
pub use pool::{Account, Pool};
pub use replay::MAX_IDS;
pub use shared::{SharedState, memory_budget};
