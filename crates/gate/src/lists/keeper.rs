//! Keeping the lists of a plan current while it runs: files are looked at, servers are asked.

use std::{sync::Arc, time::Duration};

use hyper::Uri;
use sceau_pki::{RevocationLists, Taken, Unwelcome};
use tokio::task::JoinSet;

use super::{
    cache::{Cache, DISK, Note, fingerprints},
    feed::{Feed, Rejection},
    fetch::{self, Answer, Limits},
    schedule::{Past, Window},
    source::{Source, Stamp, stamp},
};
use crate::{clock::now, pace::chance};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a file whose list lies in the future is left alone.
const LATER: u64 = 10_000;
/// A clock may be set while the gate waits: it is looked at again after so long.
const NAP: Duration = Duration::from_secs(60);

/// How lists are kept.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub(crate) cache: Cache,
    pub(crate) window: Window,
    pub(crate) limits: Limits,
}

/// Keeps lists current until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    _tasks: JoinSet<()>,
}

impl Keeper {
    /// Begins; `at_once` asks each server now, whatever the hour.
    pub(crate) fn start(feeds: &[Arc<Feed>], keeping: &Keeping, at_once: bool) -> Self {
        let mut tasks = JoinSet::new();
        for feed in feeds {
            let (feed, keeping) = (Arc::clone(feed), keeping.clone());
            match feed.source.clone() {
                Source::File(path) => tasks.spawn(async move {
                    let mut seen = Seen::default();
                    loop {
                        let (path, feed, cache) = (path.clone(), Arc::clone(&feed), keeping.cache.clone());
                        let look = move || seen.look(stamp(&path), &feed, &cache, || feed.read(&path).ok());
                        seen = tokio::task::spawn_blocking(look).await.unwrap_or_default();
                        tokio::time::sleep(LOOK).await;
                    }
                }),
                Source::Http(uri) => tasks.spawn(keep_fetched(uri, feed, keeping, at_once)),
            };
        }
        Self { _tasks: tasks }
    }
}

/// What a file was when it was last read.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    stamp: Option<Stamp>,
    /// When to read it again though it did not change.
    again: Option<u64>,
}

impl Seen {
    fn look(
        self,
        stamp: Option<Stamp>,
        feed: &Feed,
        cache: &Cache,
        read: impl Fn() -> Option<Vec<u8>>,
    ) -> Self {
        let now = now();
        // A moment that is further off than that was set by a clock that was ahead.
        let later = |again: u64| (1..=LATER).contains(&again.saturating_sub(now));
        if stamp == self.stamp && self.again.is_none_or(later) {
            return self;
        }
        let Some(bytes) = read() else {
            if stamp != self.stamp {
                feed.tally.outcomes.one("gone");
                tracing::warn!(source = %feed.source, "a revocation list is gone; the one in use stays");
            }
            return Self { stamp, again: None };
        };
        let offered = offer(feed, &bytes, now);
        if offered.is_ok() {
            keep(cache, &feed.source, &bytes);
        }
        let again = matches!(offered, Err(Rejection::Unwelcome(Unwelcome::Future)))
            .then(|| now.saturating_add(LATER));
        Self { stamp, again }
    }
}

pub(super) async fn keep_fetched(uri: Uri, feed: Arc<Feed>, keeping: Keeping, at_once: bool) {
    let (cache, source) = (keeping.cache.clone(), feed.source.clone());
    let mut note = on_disk(move || cache.note(&source)).await.unwrap_or_default().of_these(&feed.lists());
    let mut past = Past { fetched: note.fetched, ..Past::default() };
    let mut at_once = at_once;
    loop {
        past = Past { next_update: feed.next_update(), ..past.believed(now()) };
        let due = if at_once { 0 } else { keeping.window.next(past, chance()) };
        if !wait_until(due, past).await {
            continue;
        }
        at_once = false;
        // Another list may have come from elsewhere meanwhile.
        match ask(&uri, &feed, &keeping, note.clone().of_these(&feed.lists())).await {
            Some(answered) => {
                note = answered;
                past = Past { fetched: note.fetched, ..Past::default() };
            }
            None => {
                past = Past { failed: Some(now()), failures: past.failures.saturating_add(1), ..past };
            }
        }
    }
}

/// What to ask with next time; none where nothing came of it, which the log says.
pub(super) async fn ask(uri: &Uri, feed: &Arc<Feed>, keeping: &Keeping, known: Note) -> Option<Note> {
    let answer = match fetch::fetch(uri, &known, keeping.limits).await {
        Ok(answer) => answer,
        Err(failure) => {
            feed.tally.outcomes.one(failure.code());
            tracing::warn!(source = %feed.source, code = failure.code(), %failure, "a revocation list cannot be fetched");
            return None;
        }
    };
    let (note, bytes) = match answer {
        Answer::NotModified => {
            feed.tally.outcomes.one("same");
            feed.tally.good.set(now());
            (known, None)
        }
        Answer::Body(bytes, note) => {
            let feed = Arc::clone(feed);
            let offered = tokio::task::spawn_blocking(move || {
                offer(&feed, &bytes, now()).map(|lists| (fingerprints(&lists), bytes))
            });
            let (of, bytes) = offered.await.ok()?.ok()?;
            (Note { of, ..note }, Some(bytes))
        }
    };
    let note = Note { fetched: Some(now()), ..note };
    let (cache, source, noted) = (keeping.cache.clone(), feed.source.clone(), note.clone());
    let is_kept = on_disk(move || keep_with(&cache, &source, bytes.as_deref(), &noted)).await;
    if is_kept == Some(true) {
        return Some(note);
    }
    // The whole list is asked for next time, so that it is kept then.
    Some(Note { tag: None, modified: None, ..note })
}

/// What comes of it, within [`DISK`].
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::time::timeout(DISK, tokio::task::spawn_blocking(work)).await.ok()?.ok()
}

/// Offers lists to a feed, and gives those that it took; says in the log what came of it.
fn offer(feed: &Feed, bytes: &[u8], now: u64) -> Result<RevocationLists, Rejection> {
    let offered = feed.parse(bytes).and_then(|lists| Ok((feed.take(&lists, now)?, lists)));
    feed.tally.outcomes.one(match &offered {
        Err(cause) => cause.code(),
        Ok((Taken::Same, _)) => "same",
        Ok((Taken::New, _)) => "new",
    });
    match &offered {
        Err(cause) => {
            tracing::warn!(source = %feed.source, code = cause.code(), %cause, "a revocation list is refused; the one of its kind in use stays");
        }
        Ok((Taken::Same, _)) => feed.tally.good.set(now),
        Ok((Taken::New, _)) => {
            feed.tally.good.set(now);
            for list in feed.lists().iter() {
                let (issuer, number, entries) = (list.issuer(), list.number(), list.len());
                tracing::info!(source = %feed.source, %issuer, number, entries, "a revocation list is in use");
            }
        }
    }
    offered.map(|(_, lists)| lists)
}

/// Keeps lists on disk, where they are new there, with what was said of them: never the one without the other. Whether both are there.
fn keep_with(cache: &Cache, source: &Source, bytes: Option<&[u8]>, note: &Note) -> bool {
    let is_there = bytes.is_none_or(|bytes| keep(cache, source, bytes));
    let noted = if is_there { cache.keep_note(source, note) } else { cache.forget_note(source) };
    if let Err(error) = &noted {
        unkept(cache, error);
    }
    is_there && noted.is_ok()
}

/// Keeps lists on disk, where they are new there; whether they are there.
fn keep(cache: &Cache, source: &Source, bytes: &[u8]) -> bool {
    if cache.read(source).is_some_and(|kept| kept == bytes) {
        return true;
    }
    let kept = cache.keep(source, bytes);
    if let Err(error) = &kept {
        unkept(cache, error);
    }
    kept.is_ok()
}

fn unkept(cache: &Cache, error: &std::io::Error) {
    let folder = cache.folder().display();
    tracing::warn!(%folder, %error, "revocation lists are not kept for the next start: say `cache` in [lists]");
}

/// Whether that moment came; not so where the clock was set back meanwhile, to before what `past` speaks of.
async fn wait_until(due: u64, past: Past) -> bool {
    loop {
        let now = now();
        if past.believed(now) != past {
            return false;
        }
        let left = Duration::from_millis(due.saturating_sub(now));
        if left.is_zero() {
            return true;
        }
        tokio::time::sleep(left.min(NAP)).await;
    }
}
