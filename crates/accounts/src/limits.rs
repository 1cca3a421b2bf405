//! Token buckets in bounded memory, and how long a password stays locked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A token bucket: `burst` at once, then one each `every_ms`.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// How many at once.
    pub burst: u32,
    /// Milliseconds for one more.
    pub every_ms: u64,
}

/// Buckets by key. When there are too many, those closest to full go first: they restrict least.
#[derive(Debug)]
pub struct RateLimiter {
    /// For each key, when its bucket will be full again; a bucket that is full need not be kept.
    full_at: Mutex<HashMap<String, u64>>,
    capacity: usize,
}

impl RateLimiter {
    /// At most `capacity` buckets, each some hundred bytes.
    pub fn new(capacity: usize) -> Self {
        Self { full_at: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Takes one token at `now_ms` from the bucket of `key`.
    ///
    /// # Errors
    /// The milliseconds until there is one.
    pub fn take(&self, key: &str, rule: Rule, now_ms: u64) -> Result<(), u64> {
        // Nothing panics while it is held; if something did, the map is still whole.
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.get(key).copied().unwrap_or(0).max(now_ms);
        // An empty bucket is full again after burst × every; a token may be taken if that is not exceeded then.
        let after = full_at.saturating_add(rule.every_ms);
        let latest = now_ms.saturating_add(rule.every_ms.saturating_mul(u64::from(rule.burst)));
        if after > latest {
            return Err(after - latest);
        }
        if !buckets.contains_key(key) && buckets.len() >= self.capacity {
            make_room(&mut buckets, now_ms);
        }
        buckets.insert(key.to_owned(), after);
        Ok(())
    }

    /// How many buckets are kept now.
    pub fn len(&self) -> usize {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn make_room(buckets: &mut HashMap<String, u64>, now_ms: u64) {
    let before = buckets.len();
    buckets.retain(|_, full_at| *full_at > now_ms);
    if buckets.len() == before {
        let fullest = buckets.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| key.clone());
        fullest.and_then(|key| buckets.remove(&key));
    }
}

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
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const RULE: Rule = Rule { burst: 3, every_ms: 1_000 };

    #[test]
    fn a_bucket_gives_its_burst_then_one_each_period() {
        let limiter = RateLimiter::new(10);
        for _ in 0..3 {
            limiter.take("a", RULE, 5_000).unwrap();
        }
        assert_eq!(limiter.take("a", RULE, 5_000), Err(1_000));
        assert_eq!(limiter.take("a", RULE, 5_600), Err(400));
        limiter.take("b", RULE, 5_000).unwrap();
        limiter.take("a", RULE, 6_000).unwrap();
        assert!(limiter.take("a", RULE, 6_000).is_err());
        for _ in 0..3 {
            limiter.take("a", RULE, 60_000).unwrap();
        }
        assert!(limiter.take("a", RULE, 60_000).is_err(), "a long rest gives no more than the burst");
    }

    #[test]
    fn a_flood_of_keys_neither_grows_memory_nor_frees_the_throttled() {
        let limiter = RateLimiter::new(100);
        while limiter.take("throttled", RULE, 0).is_ok() {}
        for key in 0..10_000 {
            limiter.take(&key.to_string(), RULE, 0).unwrap();
        }
        assert_eq!(limiter.len(), 100);
        assert!(limiter.take("throttled", RULE, 0).is_err());
    }

    #[test]
    fn a_password_locks_longer_each_time() {
        let minutes = |failures| lock_ms(failures) as f64 / 60_000.0;
        assert_eq!([1, 4, 5, 6, 7, 12, 60].map(minutes), [0.0, 0.0, 0.5, 1.0, 2.0, 60.0, 60.0]);
    }
}
