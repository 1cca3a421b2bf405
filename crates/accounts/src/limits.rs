//! How long a password stays locked.

/// How long a password is locked after `failures` in a row: nothing for four, half a minute, then double up to an hour.
pub(crate) fn lock_ms(failures: u32) -> u64 {
    const FREE: u32 = 4;
    const FIRST_MS: u64 = 30_000;
    const LONGEST_MS: u64 = 3_600_000;
    match failures.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => FIRST_MS.saturating_mul(1 << doublings.min(20)).min(LONGEST_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_locks_longer_each_time() {
        let minutes = |failures| lock_ms(failures) as f64 / 60_000.0;
        assert_eq!([1, 4, 5, 6, 7, 12, 60].map(minutes), [0.0, 0.0, 0.5, 1.0, 2.0, 60.0, 60.0]);
    }
}
