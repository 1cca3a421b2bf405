//! A place as one table of clients follows it: who names it there, and when that table has no use for it any more.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::places::Place;

/// A place that is of no use is followed for so long (milliseconds): a day.
pub(super) const IDLE: u64 = 24 * 60 * 60 * 1000;

/// A place that a table follows. Others may follow the same, each for as long as its own callers name it.
#[derive(Clone, Debug)]
pub(super) struct Learnt {
    pub(super) place: Arc<Place>,
    pub(super) by: By,
    pub(super) times: Times,
}

/// Who names a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// An authority of the file's: it stays, and is missed where it gives nothing.
    File,
    /// A certificate of a caller's.
    Caller,
}

/// Unix milliseconds.
#[derive(Debug)]
pub(super) struct Times {
    /// When the table began to follow it.
    since: u64,
    /// When a certificate last named it of which no list spoke.
    asked: AtomicU64,
}

impl Learnt {
    /// A number that grows with each change of the lists in use.
    pub(super) fn epoch(&self) -> u64 {
        self.place.feed.epoch() + 1
    }

    /// Whether it is of no use to the table at `now` (Unix milliseconds): no list of its is current, and for a day it gave none at all, or nobody asked for
    /// another.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        let lists = self.place.feed.lists();
        let ended = lists.iter().map(|list| list.next_update()).max();
        let since = if ended.is_some() { self.times.asked() } else { self.times.since };
        !lists.iter().any(|list| list.is_current(now))
            && now.saturating_sub(ended.unwrap_or(0)) >= IDLE
            // A moment that is still to come was set by a clock that was ahead.
            && now.checked_sub(since).is_none_or(|idle| idle >= IDLE)
    }
}

impl Times {
    pub(super) fn begin(now: u64) -> Self {
        Self { since: now, asked: AtomicU64::new(now) }
    }

    /// A certificate names it then.
    pub(super) fn ask(&self, now: u64) {
        self.asked.store(now, Ordering::Relaxed);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Clone for Times {
    fn clone(&self) -> Self {
        Self { since: self.since, asked: AtomicU64::new(self.asked()) }
    }
}
