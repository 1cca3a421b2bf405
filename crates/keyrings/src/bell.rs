//! Who waits for something to change is told at once where it changes in this process, and looks again after a moment in case it changed in another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long another process's news may take to be seen.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is waited for, by a name; names that nobody waits for are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    waiting: HashMap<String, Weak<Notify>>,
    /// How many there may be before those are looked for that nobody waits for.
    sweep_at: usize,
}

/// Names that are kept without being looked through.
const FEW: usize = 64;

impl Bell {
    /// Tells who waits for this name.
    pub(crate) fn ring(&self, name: String) {
        let waiting = self.names().waiting.get(&name).and_then(Weak::upgrade);
        if let Some(waiting) = waiting {
            waiting.notify_waiters();
        }
    }

    /// Resolves once it rings after this call, or after a moment. Call it before looking: what changes between both is heard.
    pub(crate) fn heard(&self, name: String) -> impl Future<Output = ()> + Send + 'static {
        let mut names = self.names();
        names.forget();
        let known = names.waiting.get(&name).and_then(Weak::upgrade);
        let waiting = known.unwrap_or_else(|| {
            let waiting = Arc::new(Notify::new());
            names.waiting.insert(name, Arc::downgrade(&waiting));
            waiting
        });
        let notified = Arc::clone(&waiting).notified_owned();
        async move {
            let _ = timeout(LOOK_EVERY, notified).await;
            drop(waiting);
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    /// Forgets those that nobody waits for, once there are twice as many as were left the last time.
    fn forget(&mut self) {
        if self.waiting.len() >= self.sweep_at.max(FEW) {
            self.waiting.retain(|_, waiting| waiting.strong_count() > 0);
            self.sweep_at = 2 * self.waiting.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_waits_for_are_forgotten() {
        let bell = Bell::default();
        let held: Vec<_> = (0..100).map(|name| bell.heard(format!("held {name}"))).collect();
        for name in 0..10_000 {
            drop(bell.heard(format!("gone {name}")));
        }
        let names = bell.names();
        assert!(names.waiting.len() <= 2 * held.len(), "{}", names.waiting.len());
        assert!(held.len() <= names.waiting.len());
    }
}
