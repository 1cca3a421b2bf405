//! When to try again, and chance, so that many gates do not ask in one moment. Pure but for [`chance`]: times are milliseconds.

use uuid::Uuid;

/// After so many failures before this one: doubled each time, from `first` up to `longest`.
pub(crate) fn pause(failures: u32, first: u64, longest: u64) -> u64 {
    first.saturating_mul(1 << failures.min(20)).min(longest)
}

/// As much of a length of time as this, between nought and one, says.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // years at most
pub(crate) fn share(length: u64, of_it: f64) -> u64 {
    (length as f64 * of_it.clamp(0.0, 1.0)) as u64
}

/// Below 1, drawn anew each time.
pub(crate) fn chance() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_an_end() {
        let pauses = [0, 1, 2, 3, 63, u32::MAX].map(|failures| pause(failures, 5, 30));
        assert_eq!(pauses, [5, 10, 20, 30, 30, 30]);
        assert_eq!(pause(40, u64::MAX / 2, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_share_is_never_more_than_the_whole() {
        assert_eq!([share(10, 0.0), share(10, 0.5), share(10, 7.0), share(10, -1.0)], [0, 5, 10, 0]);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&chance())));
    }
}
