//! Times of the protocol. Every time is a parameter: the core has no clock of its own.

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// The time `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time `millis` milliseconds later, or the latest time that can be written.
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Year, month, day, hour, minute and second in UTC (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `civil_from_days`). Years begin in March there, so that a leap day is a year's last day.
    pub const fn date_time(self) -> [u64; 6] {
        let seconds = self.0 / 1_000;
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + (month <= 2) as u64;
        [year, month, day, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60]
    }

    /// How many milliseconds have passed since `earlier`; 0 if it lies in the future.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
