//! The present time, and the text form of times.

use enclave_core::UnixMillis;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine's time. A clock before 1970 gives 1970-01-01T00:00:00Z.
pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Formats a time as `2025-11-10 17:23:30 UTC`.
pub fn date(time: UnixMillis) -> String {
    let [year, month, day, hour, minute, second] = time.date_time();
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_of(millis: u64) -> String {
        date(UnixMillis::new(millis))
    }

    #[test]
    fn formats_dates() {
        assert_eq!(date_of(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date_of(1_762_795_210_812), "2025-11-10 17:20:10 UTC");
        assert_eq!(date_of(951_782_399_999), "2000-02-28 23:59:59 UTC");
        assert_eq!(date_of(951_782_400_000), "2000-02-29 00:00:00 UTC");
    }

    #[test]
    fn formats_every_time_without_panic() {
        for time in [u64::MAX, u64::MAX / 2, 1 << 53] {
            assert!(date_of(time).ends_with("UTC"));
        }
    }
}
