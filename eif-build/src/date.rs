//! Dates of the Gregorian calendar, and Unix time.

/// The number of days from 0000-03-01 to 1970-01-01.
const MARCH_0_TO_1970: i64 = 719_468;
/// The number of days in 400 years.
const DAYS_OF_400_YEARS: i64 = 146_097;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// The number of days from 1970-01-01 to this day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last day of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - MARCH_0_TO_1970
}

/// A Unix time in seconds as RFC 3339 writes it: `2025-01-01T00:00:00Z`.
pub(crate) fn text(time: i64) -> String {
    let second = time.rem_euclid(SECONDS_OF_A_DAY);
    // Years begin in March here too.
    let day = time.div_euclid(SECONDS_OF_A_DAY) + MARCH_0_TO_1970;
    let (cycle, day) = (day.div_euclid(DAYS_OF_400_YEARS), day.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let day = day - (month * 153 + 2) / 5 + 1;
    let (carry, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    let year = cycle * 400 + year + carry;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::{days, text};

    /// `date -u -d @…` printed the expected values.
    #[test]
    fn writes_dates_as_rfc_3339() {
        for (time, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-631_152_000, "1950-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(text(time), expected);
        }
        // Times that no certificate has must not fail.
        assert!(text(i64::MAX).ends_with('Z') && text(i64::MIN).ends_with('Z'));
    }

    #[test]
    fn every_day_of_800_years_is_read_as_it_is_written() {
        for day in days(1600, 1, 1)..days(2400, 1, 1) {
            let text = text(day * 86_400);
            let number = |from: usize, to: usize| text[from..to].parse().unwrap();
            assert_eq!(days(number(0, 4), number(5, 7), number(8, 10)), day, "{text}");
        }
    }
}
