//! Token buckets in bounded memory. Pure: time is passed in.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Longer than anybody waits, and far from where sums saturate.
const NEVER_MS: u64 = 1 << 50;

/// A token bucket: `burst` at once, then one each `every_ms`.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// How many at once.
    pub burst: u32,
    /// Milliseconds for one more.
    pub every_ms: u64,
}

impl Rule {
    /// `burst` at once, then evenly `per_hour`, at most one each millisecond; none at all never comes back.
    pub const fn per_hour(burst: u32, per_hour: u32) -> Self {
        let every_ms = if per_hour == 0 { NEVER_MS } else { 3_600_000_u64.div_ceil(per_hour as u64) };
        Self { burst, every_ms }
    }
}

/// Buckets by key. When there are too many, those closest to full go first: they restrict least.
#[derive(Debug)]
pub struct RateLimiter<K = String> {
    /// For each key, when its bucket will be full again; a bucket that is full need not be kept.
    full_at: Mutex<HashMap<K, u64>>,
    capacity: usize,
}

impl<K: Eq + Hash + Clone> RateLimiter<K> {
    /// At most `capacity` buckets.
    pub fn new(capacity: usize) -> Self {
        Self { full_at: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Takes one token at `now_ms` from the bucket of `key`.
    ///
    /// # Errors
    /// The milliseconds until there is one.
    pub fn take<Q>(&self, key: &Q, rule: Rule, now_ms: u64) -> Result<(), u64>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
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

fn make_room<K: Eq + Hash + Clone>(buckets: &mut HashMap<K, u64>, now_ms: u64) {
    let before = buckets.len();
    buckets.retain(|_, full_at| *full_at > now_ms);
    if buckets.len() == before {
        let fullest = buckets.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| key.clone());
        fullest.and_then(|key| buckets.remove(&key));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const RULE: Rule = Rule { burst: 3, every_ms: 1_000 };

    #[test]
    fn a_bucket_gives_its_burst_then_one_each_period() {
        let limiter = RateLimiter::<String>::new(10);
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
        let limiter = RateLimiter::<String>::new(100);
        while limiter.take("throttled", RULE, 0).is_ok() {}
        for key in 0..10_000 {
            limiter.take(key.to_string().as_str(), RULE, 0).unwrap();
        }
        assert_eq!(limiter.len(), 100);
        assert!(limiter.take("throttled", RULE, 0).is_err());
    }

    #[test]
    fn an_hourly_rate_is_even_and_any_key_will_do() {
        let limiter = RateLimiter::<u64>::new(10);
        let rule = Rule::per_hour(2, 60);
        let taken: Vec<bool> =
            [0, 0, 0, 30_000, 60_000, 60_000].map(|now| limiter.take(&7, rule, now).is_ok()).into();
        assert_eq!(taken, [true, true, false, false, true, false]);
        assert!(limiter.take(&8, rule, 60_000).is_ok(), "each has a bucket of its own");
        assert!(limiter.take(&9, Rule::per_hour(0, 60), 0).is_err(), "no burst, no token");
    }

    #[test]
    fn what_never_comes_back_is_spent_once() {
        let limiter = RateLimiter::<u64>::new(10);
        let rule = Rule::per_hour(1, 0);
        limiter.take(&1, rule, 1_000).unwrap();
        assert!(limiter.take(&1, rule, 4_000_000_000_000).is_err());
    }
}
