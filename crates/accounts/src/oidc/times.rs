//! When a token is in force, and whose clock to look at when it is not.

use serde::Deserialize;

/// How far two clocks may be apart: a minute.
pub const LEEWAY_MS: u64 = 60_000;

/// The times of a token, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Not from then on (`exp`).
    pub expires_ms: u64,
    /// Not before (`nbf`).
    pub not_before_ms: Option<u64>,
    /// Made then (`iat`), by the provider's clock.
    pub issued_ms: Option<u64>,
}

/// Two clocks as they were read at about the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// This machine's.
    pub ours_ms: u64,
    /// The provider's, from the `Date` of its last answer or from the token; none where it said nothing.
    pub theirs_ms: Option<u64>,
}

/// A token is not in force. The sentence says which clock is ahead of which, and by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Over, and the clocks agree.
    #[error("it expired {} s ago", .ago_ms / 1000)]
    Expired {
        /// How long ago, by our clock.
        ago_ms: u64,
    },
    /// Not yet, and the clocks agree.
    #[error("it begins in {} s", .ahead_ms / 1000)]
    NotYet {
        /// In how long, by our clock.
        ahead_ms: u64,
    },
    /// The clocks disagree, so that it cannot be told.
    #[error("{}: compare both with a time server", clocks(*.ours_ms, *.theirs_ms))]
    Clocks {
        /// This machine's clock.
        ours_ms: u64,
        /// The provider's.
        theirs_ms: u64,
    },
}

/// Who is ahead, in words.
fn clocks(ours_ms: u64, theirs_ms: u64) -> String {
    let seconds = ours_ms.abs_diff(theirs_ms) / 1000;
    let way = if ours_ms > theirs_ms { "ahead of" } else { "behind" };
    format!("this machine's clock is {seconds} s {way} the provider's")
}

impl Clocks {
    /// How far they are apart where that is too far: ours, theirs.
    fn apart(self) -> Option<(u64, u64)> {
        let theirs = self.theirs_ms?;
        (self.ours_ms.abs_diff(theirs) > LEEWAY_MS).then_some((self.ours_ms, theirs))
    }
}

impl Times {
    /// Whether the token is in force, to within [`LEEWAY_MS`].
    ///
    /// # Errors
    /// [`TimeError`]. Where it is not, and the provider's clock is known to be another time, that is said instead.
    pub fn check(&self, clocks: Clocks) -> Result<(), TimeError> {
        let now = clocks.ours_ms;
        let begins = self.not_before_ms.max(self.issued_ms).unwrap_or_default();
        let fault = if self.expires_ms.saturating_add(LEEWAY_MS) <= now {
            TimeError::Expired { ago_ms: now - self.expires_ms }
        } else if begins > now.saturating_add(LEEWAY_MS) {
            TimeError::NotYet { ahead_ms: begins - now }
        } else {
            return Ok(());
        };
        Err(clocks.apart().map_or(fault, |(ours_ms, theirs_ms)| TimeError::Clocks { ours_ms, theirs_ms }))
    }

    /// The same for a token that the provider made for us just now: its `iat` is a reading of the provider's clock.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn check_fresh(&self, now_ms: u64) -> Result<(), TimeError> {
        let clocks = Clocks { ours_ms: now_ms, theirs_ms: self.issued_ms };
        self.check(clocks)?;
        clocks.apart().map_or(Ok(()), |(ours_ms, theirs_ms)| Err(TimeError::Clocks { ours_ms, theirs_ms }))
    }
}

/// The same as written: seconds, which some providers write with a fraction (RFC 7519 section 2, `NumericDate`).
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct WireTimes {
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
}

impl WireTimes {
    /// None where a time is not one between 1970 and 9999.
    pub(super) fn times(self) -> Option<Times> {
        let optional = |seconds: Option<f64>| match seconds {
            None => Some(None),
            Some(seconds) => milliseconds(seconds).map(Some),
        };
        Some(Times {
            expires_ms: milliseconds(self.exp)?,
            not_before_ms: optional(self.nbf)?,
            issued_ms: optional(self.iat)?,
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn milliseconds(seconds: f64) -> Option<u64> {
    (0.0..253_402_300_800.0).contains(&seconds).then_some((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const NOW: u64 = 1_800_000_000_000;
    const MINUTES: u64 = 60_000;

    fn times(from: u64, until: u64) -> Times {
        Times { expires_ms: until, not_before_ms: None, issued_ms: Some(from) }
    }

    fn check(times: Times, theirs_ms: Option<u64>) -> Result<(), TimeError> {
        times.check(Clocks { ours_ms: NOW, theirs_ms })
    }

    #[test]
    fn a_minute_is_forgiven_and_no_more() {
        assert_eq!(check(times(NOW - 1, NOW - LEEWAY_MS + 1), None), Ok(()));
        let over = check(times(NOW - 9, NOW - LEEWAY_MS), None).unwrap_err();
        assert_eq!(over.to_string(), "it expired 60 s ago");
        assert_eq!(check(times(NOW + LEEWAY_MS, NOW + MINUTES), None), Ok(()));
        let early = check(times(NOW + LEEWAY_MS + 1, NOW + 9 * MINUTES), None);
        assert_eq!(early, Err(TimeError::NotYet { ahead_ms: LEEWAY_MS + 1 }));
        let later = Times { not_before_ms: Some(NOW + 2 * MINUTES), ..times(NOW, NOW + 9 * MINUTES) };
        assert_eq!(check(later, None), Err(TimeError::NotYet { ahead_ms: 2 * MINUTES }));
    }

    #[test]
    fn a_clock_off_by_five_minutes_is_named() {
        // Ours is five minutes behind: what the provider makes is of our future.
        let fresh = times(NOW + 5 * MINUTES, NOW + 10 * MINUTES);
        let said = check(fresh, Some(NOW + 5 * MINUTES)).unwrap_err().to_string();
        assert!(said.contains("this machine's clock is 300 s behind the provider's"), "{said}");
        // Ours is five minutes ahead: what is fresh there is over here.
        let fresh = times(NOW - 5 * MINUTES, NOW - 4 * MINUTES);
        let said = check(fresh, Some(NOW - 5 * MINUTES)).unwrap_err().to_string();
        assert!(said.contains("this machine's clock is 300 s ahead of the provider's"), "{said}");
        // The clocks agree: then the token is old.
        assert!(matches!(check(fresh, Some(NOW)), Err(TimeError::Expired { .. })));
    }

    #[test]
    fn what_was_made_just_now_says_so_even_while_it_is_in_force() {
        assert_eq!(times(NOW - LEEWAY_MS, NOW + MINUTES).check_fresh(NOW), Ok(()));
        let ahead = times(NOW - 5 * MINUTES, NOW + MINUTES).check_fresh(NOW);
        assert_eq!(ahead, Err(TimeError::Clocks { ours_ms: NOW, theirs_ms: NOW - 5 * MINUTES }));
    }

    #[test]
    fn times_out_of_this_world_are_none() {
        let wire = |exp| WireTimes { exp, nbf: None, iat: Some(1.5) }.times();
        assert_eq!(wire(2.0).unwrap().issued_ms, Some(1_500));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(wire(wrong).is_none(), "{wrong}");
        }
    }
}
