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
    let seconds = time.get() / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day that is counted from 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
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
