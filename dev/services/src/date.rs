//! Times as SigV4 and as HTTP write them.

/// A time in milliseconds since 1970 in the format of SigV4, such as `20150830T123600Z`.
pub fn amz_date(ms: u64) -> String {
    let (year, month, day) = date(ms / 86_400_000);
    let s = ms / 1000 % 86_400;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

/// Reads a time in the format of [`amz_date`], in milliseconds since 1970. `None` if the text is not such a time.
pub fn parse_amz_date(text: &str) -> Option<u64> {
    let b = text.as_bytes();
    if b.len() != 16 || b[8] != b'T' || b[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        b[from..to].iter().try_fold(0_u64, |n, c| c.is_ascii_digit().then(|| n * 10 + u64::from(c - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let ms = (days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second) * 1000;
    // The comparison with the only valid text refuses a thirteenth month or a sixty-first minute.
    (amz_date(ms) == text).then_some(ms)
}

/// A time in milliseconds since 1970 in the format of HTTP (RFC 9110, 5.6.7), such as
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = date(ms / 86_400_000);
    let s = ms / 1000 % 86_400;
    let (name, month) = (DAYS[(ms / 86_400_000 % 7) as usize], MONTHS[month as usize - 1]);
    format!("{name}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", s / 3600, s / 60 % 60, s % 60)
}

/// Year, month and day of the day with this number. Day 0 is 1970-01-01.
///
/// Years begin in March here, so that the leap day is the last day of a year.
fn date(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// The number of a day. Day 0 is 1970-01-01. `None` for a date before.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted + 2) / 5 + day;
    (era * 146_097 + day_of_era).checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_known_dates() {
        assert_eq!(parse_amz_date("20150830T123600Z"), Some(1_440_938_160_000));
        assert_eq!(amz_date(1_440_938_160_000), "20150830T123600Z");
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(amz_date(951_782_400_000), "20000229T000000Z");
        assert_eq!(parse_amz_date("19700101T000000Z"), Some(0));
    }

    #[test]
    fn reads_back_every_day_that_it_writes() {
        for day in 0..60_000 {
            assert_eq!(parse_amz_date(&amz_date(day * 86_400_000 + 1000)), Some(day * 86_400_000 + 1000));
        }
    }

    #[test]
    fn rejects_invalid_dates_and_dates_before_1970() {
        for text in ["", "20150830", "20151330T123600Z", "20150230T000000Z", "20150830T126000Z", "2015083éT12360Z"] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
        assert_eq!(parse_amz_date("19691231T235959Z"), None);
    }
}
