//! What anybody may ask as often as they like, and is looked for once a second at most: whether something answers.

use tokio::sync::Mutex;

/// How long an answer is good, in milliseconds.
const GOOD_MS: u64 = 1_000;

/// One answer for all who ask within a second. While one looks, the others wait for what it finds.
#[derive(Debug)]
pub struct Glance<T>(Mutex<Option<(u64, T)>>);

impl<T> Default for Glance<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Glance<T> {
    /// The answer of the last second, or what `look` finds now. After a clock that goes back it looks again.
    pub async fn of<F>(&self, now_ms: impl Fn() -> u64, look: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        let mut last = self.0.lock().await;
        let now = now_ms();
        if let Some((at, answer)) = &*last
            && (*at..at.saturating_add(GOOD_MS)).contains(&now)
        {
            return answer.clone();
        }
        let answer = look().await;
        *last = Some((now_ms(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_who_ask_at_once_cost_one_look_and_the_next_second_another() {
        let (glance, looked) = (Glance::default(), AtomicU32::new(0));
        let ask = |now: u64| {
            let look = async || {
                tokio::task::yield_now().await;
                looked.fetch_add(1, Ordering::Relaxed)
            };
            glance.of(move || now, look)
        };
        let answers = futures::future::join_all((0..100).map(|_| ask(5_000))).await;
        assert_eq!((answers, looked.load(Ordering::Relaxed)), (vec![0; 100], 1));
        assert_eq!(ask(5_999).await, 0);
        assert_eq!(ask(6_000).await, 1);
        assert_eq!(ask(1_000).await, 2, "a clock that was put back");
    }
}
