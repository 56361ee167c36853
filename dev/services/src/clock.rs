//! The time source of an NSM or a KMS.

use crate::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time source of an NSM or a KMS.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// This machine's clock.
    #[default]
    Machine,
    /// The time that a test sets, in milliseconds since 1970.
    Told(Arc<AtomicU64>),
}

impl Clock {
    /// The time, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Error::Clock`] if this machine's clock is before 1970.
    pub fn now(&self) -> Result<u64, Error> {
        match self {
            Self::Machine => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::Clock)?;
                u64::try_from(since.as_millis()).map_err(|_| Error::Clock)
            }
            Self::Told(time) => Ok(time.load(Ordering::SeqCst)),
        }
    }
}
