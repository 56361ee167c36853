//! Counts of connections and bytes since the start. The parent logs them when it ends.

use crate::Log;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one service.
#[derive(Default)]
pub(crate) struct Counters {
    /// Connections that were served.
    pub served: AtomicU64,
    /// Connections that were refused because of a limit.
    pub refused: AtomicU64,
    /// Connections that came from another enclave.
    pub strangers: AtomicU64,
    /// Connections that ended in an error.
    pub failed: AtomicU64,
    /// Bytes that were carried from the side that connected.
    pub up: AtomicU64,
    /// Bytes that were carried to the side that connected.
    pub down: AtomicU64,
}

impl Counters {
    /// Adds to a counter. Returns what it was before.
    pub fn add(counter: &AtomicU64, count: u64) -> u64 {
        counter.fetch_add(count, Ordering::Relaxed)
    }

    pub fn log(&self, log: &Log, service: &str) {
        let value = |counter: &AtomicU64| Value::from(counter.load(Ordering::Relaxed));
        log.info(
            "counters",
            &[
                ("service", service.into()),
                ("served", value(&self.served)),
                ("refused", value(&self.refused)),
                ("strangers", value(&self.strangers)),
                ("failed", value(&self.failed)),
                ("bytes_up", value(&self.up)),
                ("bytes_down", value(&self.down)),
            ],
        );
    }
}
