//! Who waits for something to change is told at once where it changes in this process, and looks again after a moment in case it changed in another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long another process's news may take to be seen.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is waited for, by a name; names that nobody waits for are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<HashMap<String, Weak<Notify>>>);

impl Bell {
    /// Tells who waits for this name.
    pub(crate) fn ring(&self, name: String) {
        let waiting =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).and_then(Weak::upgrade);
        if let Some(waiting) = waiting {
            waiting.notify_waiters();
        }
    }

    /// Resolves once it rings after this call, or after a moment. Call it before looking: what changes between both is heard.
    pub(crate) fn heard(&self, name: String) -> impl Future<Output = ()> + Send + 'static {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| waiting.strong_count() > 0);
        let known = all.get(&name).and_then(Weak::upgrade);
        let waiting = known.unwrap_or_else(|| {
            let waiting = Arc::new(Notify::new());
            all.insert(name, Arc::downgrade(&waiting));
            waiting
        });
        let notified = Arc::clone(&waiting).notified_owned();
        async move {
            let _ = timeout(LOOK_EVERY, notified).await;
            drop(waiting);
        }
    }
}
