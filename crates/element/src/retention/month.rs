//! Calendar months, in UTC.

use std::fmt;

/// A month: how many there were since the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

/// For how many months it is kept who asked: 1 to 36. What was recorded in a month is forgotten so many months after that month began, so that nothing is
/// kept for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetainMonths(u32);

impl Month {
    /// The month of a time (Unix milliseconds).
    #[must_use]
    pub fn of(unix: u64) -> Self {
        let (year, month, _) = sceau_trace::date(unix / 86_400_000);
        Self(u32::try_from(year * 12 + month - 1).unwrap_or(u32::MAX))
    }

    /// As it was written.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// To write it.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// So many months later.
    #[must_use]
    pub fn later(self, months: u32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Reads its spelling, as in `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let read = Self(
            year.parse::<u32>()
                .ok()?
                .checked_mul(12)?
                .checked_add(month.parse::<u32>().ok()?.checked_sub(1)?)?,
        );
        (read.to_string() == text).then_some(read)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

impl RetainMonths {
    /// So many, if there may be so many.
    #[must_use]
    pub fn new(months: u32) -> Option<Self> {
        (1..=36).contains(&months).then_some(Self(months))
    }

    /// Whether what was recorded in `month` is not kept any more in the month `now`.
    #[must_use]
    pub fn is_past(self, month: Month, now: Month) -> bool {
        now >= month.later(self.0)
    }
}

impl Default for RetainMonths {
    fn default() -> Self {
        Self(12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `date --utc --date @SECONDS`.
    #[test]
    fn months_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01"),
            (1_709_251_199, "2024-02"),
            (1_709_251_200, "2024-03"),
            (1_767_225_599, "2025-12"),
            (1_767_225_600, "2026-01"),
        ] {
            let month = Month::of(seconds * 1000);
            assert_eq!(month.to_string(), text);
            assert_eq!(Month::parse(text), Some(month));
        }
        assert_eq!(Month::of(1_767_225_599_999).later(1), Month::of(1_767_225_600_000));
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "+026-01", "-1-01"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_is_kept_for_longer_than_was_said() {
        let november = Month::of(1_795_183_391_007);
        let retain = RetainMonths::new(12).unwrap_or_default();
        assert!(!retain.is_past(november, november.later(11)));
        assert!(retain.is_past(november, november.later(12)));
        for months in [0, 37] {
            assert_eq!(RetainMonths::new(months), None);
        }
    }
}
