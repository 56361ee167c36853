//! What was carried and refused since the start, logged at the end.

use crate::Log;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one service.
#[derive(Default)]
pub(crate) struct Counters {
    /// Connections that were served.
    pub served: AtomicU64,
    /// Connections that found no place.
    pub refused: AtomicU64,
    /// Connections that ended in an error.
    pub failed: AtomicU64,
    /// Bytes towards the enclave (of clients), or towards KMS.
    pub up: AtomicU64,
    /// Bytes the other way.
    pub down: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub fn log(&self, log: &Log, service: &str) {
        let value = |counter: &AtomicU64| Value::from(counter.load(Ordering::Relaxed));
        log.info(
            "counters",
            &[
                ("service", service.into()),
                ("served", value(&self.served)),
                ("refused", value(&self.refused)),
                ("failed", value(&self.failed)),
                ("bytes_up", value(&self.up)),
                ("bytes_down", value(&self.down)),
            ],
        );
    }
}
