//! Whether anything is asked on a connection that carries many requests at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::{
    answer::Body,
    holding::{Watched, Watcher},
};

/// The requests of a connection that are not over.
#[derive(Clone, Debug)]
pub(crate) struct Busy(Arc<Mutex<Turns>>);

#[derive(Debug)]
struct Turns {
    under_way: usize,
    /// When the last one ended, or the connection began.
    since: Instant,
}

impl Default for Busy {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Turns { under_way: 0, since: Instant::now() })))
    }
}

/// A request that is not over as long as this is held.
#[derive(Debug)]
pub(crate) struct Turn(Busy);

impl Busy {
    pub(crate) fn begin(&self) -> Turn {
        self.turns(|turns| turns.under_way += 1);
        Turn(self.clone())
    }

    /// Resolves once nothing was under way for so long.
    pub(crate) async fn idle_for(&self, long: Duration) {
        loop {
            let since = self.turns(|turns| if turns.under_way == 0 { turns.since } else { Instant::now() });
            if since.elapsed() >= long {
                return;
            }
            tokio::time::sleep_until(since + long).await;
        }
    }

    fn turns<T>(&self, look: impl FnOnce(&mut Turns) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Turn {
    /// Held until the answer was taken, or nobody wants it any more.
    pub(crate) fn until_over(self, body: Body) -> Body {
        Watched::new(body, self).boxed()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns(|turns| {
            turns.under_way -= 1;
            turns.since = Instant::now();
        });
    }
}

impl Watcher for Turn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_keeps_its_connection() {
        let (busy, long) = (Busy::default(), Duration::from_secs(20));
        let began = Instant::now();
        let turn = busy.begin();
        let (idle, ()) = tokio::join!(
            async {
                busy.idle_for(long).await;
                began.elapsed()
            },
            async {
                tokio::time::sleep(long * 3).await;
                drop(turn);
            }
        );
        assert!(idle >= long * 4 && idle < long * 5, "{idle:?}");
    }
}
