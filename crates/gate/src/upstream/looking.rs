//! What stays open after it was judged: an answer that goes on, a body that is still sent, a WebSocket. Its client may be taken back meanwhile.

use std::{fmt::Debug, sync::Arc, time::Duration};

use tokio::time::Instant;

/// How often whoever holds something open is judged again.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// Something open.
pub(crate) trait StaysOpen: Debug + Send + Sync {
    /// Whether a request like the one that it began with would be let through now.
    fn may_go_on(&self) -> bool;
}

/// Looks at it again each [`LOOK`]: what is over by then is never looked at.
#[derive(Clone, Debug)]
pub(crate) struct Looking {
    open: Arc<dyn StaysOpen>,
    next: Instant,
}

impl Looking {
    /// From now on.
    pub(crate) fn begin(open: Arc<dyn StaysOpen>) -> Self {
        Self { open, next: Instant::now() + LOOK }
    }

    /// When it looks again.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether it may go on at `now`, as far as that was looked at.
    pub(super) fn may_go_on(&mut self, now: Instant) -> bool {
        if now < self.next {
            return true;
        }
        self.next = now + LOOK;
        self.open.may_go_on()
    }
}
