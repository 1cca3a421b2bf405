//! Commits of a file reach the disk in groups.
//!
//! SQLite writes a commit to its write-ahead log and leaves it to us when that is synced (`synchronous=NORMAL`; sqlite.org/wal.html, section 7).
//! One sync carries every commit that ended before it began. Nobody is answered before the sync of what the answer tells: neither who
//! committed, nor who read what another has just committed. A checkpoint syncs the log itself before it copies from it.
//!
//! Where other programs have the file open too, SQLite syncs each commit before anybody sees it (`synchronous=FULL`), and nothing is left to wait for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, watch};

use crate::StoreError;

/// What has reached the disk; none where nobody sees a commit before it has. Cheap to clone.
#[derive(Clone)]
pub(super) struct Durable(Option<Arc<State>>);

struct State {
    /// Syncs the write-ahead log.
    sync: Box<dyn Fn() -> Result<(), Unsynced> + Send + Sync>,
    /// The last commit that was begun. They are numbered in their order: there is one writer.
    begun: AtomicU64,
    /// The last that ended, well or not.
    ended: watch::Sender<u64>,
    /// The last that is on disk.
    synced: AtomicU64,
    /// Held by whoever syncs: those who wait for it find themselves carried along.
    turn: Arc<Mutex<()>>,
    /// A sync failed. What the disk has is not known any more, and a later sync that passes would not say it (fsync(2)).
    failed: AtomicBool,
}

/// Why the log was not synced.
pub(super) enum Unsynced {
    /// It was not begun: the next one says what this one would have.
    Later(Error),
    /// What the disk has is not known.
    Lost(Error),
}

/// A commit that is under way.
pub(super) struct Commit<'a> {
    state: Option<&'a State>,
    number: u64,
}

impl Durable {
    /// Of a database whose commits are synced before they end.
    pub(super) fn by_commits() -> Self {
        Self(None)
    }

    /// Of the database at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let log: OsString = [path.as_os_str(), "-wal".as_ref()].into_iter().collect();
        let opened = OnceLock::new();
        // Opened once: a write that fails is told to whoever had the file open then (fsync(2)), a checkpoint's own sync does not take that away,
        // and a process without descriptors left syncs all the same.
        Self::by(move || {
            if opened.get().is_none() {
                match File::open(&log) {
                    Ok(file) => drop(opened.set(file)),
                    // There was no commit yet, or the last connection took it away, synced and copied.
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(Unsynced::Later(error)),
                }
            }
            opened.get().map_or(Ok(()), |log| log.sync_data().map_err(Unsynced::Lost))
        })
    }

    pub(super) fn by(sync: impl Fn() -> Result<(), Unsynced> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(State {
            sync: Box::new(sync),
            begun: AtomicU64::new(0),
            ended: watch::Sender::new(0),
            synced: AtomicU64::new(0),
            turn: Arc::default(),
            failed: AtomicBool::new(false),
        })))
    }

    /// To be said by whoever has the writer, before its commit.
    pub(super) fn commit(&self) -> Commit<'_> {
        let state = self.0.as_deref();
        let number = state.map_or(0, |state| state.begun.fetch_add(1, Ordering::SeqCst) + 1);
        Commit { state, number }
    }

    /// Waits until a commit that ended is on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be synced; then and ever after, until the process starts anew.
    pub(super) async fn reached(&self, number: u64) -> Result<(), StoreError> {
        match &self.0 {
            None => Ok(()),
            Some(state) => state.reached(number).await,
        }
    }

    /// Waits until everything is on disk that could be read by now.
    ///
    /// # Errors
    /// As [`Durable::reached`].
    pub(super) async fn all_reached(&self) -> Result<(), StoreError> {
        match &self.0 {
            None => Ok(()),
            Some(state) => state.reached(state.begun.load(Ordering::SeqCst)).await,
        }
    }
}

impl State {
    async fn reached(self: &Arc<Self>, number: u64) -> Result<(), StoreError> {
        if self.failed.load(Ordering::SeqCst) {
            return Err(not_durable(Error::other("an earlier sync failed; start the process anew")));
        }
        if self.synced.load(Ordering::SeqCst) >= number {
            return Ok(());
        }
        // The sender is held by `self`.
        let _: Result<_, _> = self.ended.subscribe().wait_for(|ended| *ended >= number).await;
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Whoever had the turn before may have failed: the next sync would pass, and say nothing.
        if self.failed.load(Ordering::SeqCst) {
            return Err(not_durable(Error::other("an earlier sync failed; start the process anew")));
        }
        if self.synced.load(Ordering::SeqCst) >= number {
            return Ok(());
        }
        let state = Arc::clone(self);
        // With the turn, and to its end: whoever waits may go away, and what came of the sync counts all the same.
        let synced = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let carried = *state.ended.borrow();
            match (state.sync)() {
                Ok(()) => {
                    state.synced.fetch_max(carried, Ordering::SeqCst);
                    Ok(())
                }
                Err(Unsynced::Later(error)) => Err(error),
                Err(Unsynced::Lost(error)) => {
                    state.failed.store(true, Ordering::SeqCst);
                    Err(error)
                }
            }
        });
        synced.await.unwrap_or_else(|stopped| Err(Error::other(stopped))).map_err(not_durable)
    }
}

impl Commit<'_> {
    /// Its number, now that it ended.
    pub(super) fn ended(self) -> u64 {
        self.number
    }
}

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.state {
            state.ended.send_modify(|ended| *ended = (*ended).max(self.number));
        }
    }
}

fn not_durable(error: Error) -> StoreError {
    StoreError::io("cannot make the database durable")(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::future::Future;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    /// A disk that syncs when it is told, and says when it begins.
    fn disk() -> (Durable, Receiver<()>, Sender<Result<(), Error>>) {
        let (begins, begun) = channel();
        let (done, told) = channel::<Result<(), Error>>();
        let told = std::sync::Mutex::new(told);
        let durable = Durable::by(move || {
            begins.send(()).unwrap();
            told.lock().unwrap().recv().unwrap().map_err(Unsynced::Lost)
        });
        (durable, begun, done)
    }

    async fn starts(task: &mut (impl Future + Unpin), begun: &Receiver<()>) {
        while begun.try_recv().is_err() {
            assert!(task.now_or_never().is_none(), "answered before the sync began");
            tokio::task::yield_now().await;
        }
        assert!(task.now_or_never().is_none(), "answered before the sync ended");
    }

    #[tokio::test]
    async fn neither_writer_nor_reader_is_answered_before_the_sync() {
        let (durable, begun, done) = disk();
        durable.all_reached().await.unwrap();
        let commit = durable.commit();
        let mut reader = Box::pin(durable.all_reached());
        assert!((&mut reader).now_or_never().is_none(), "what it saw may be of a commit that is under way");
        let mut writer = Box::pin(durable.reached(commit.ended()));
        starts(&mut writer, &begun).await;
        assert!((&mut reader).now_or_never().is_none());
        done.send(Ok(())).unwrap();
        writer.await.unwrap();
        reader.await.unwrap();
        assert!(begun.try_recv().is_err(), "one sync carries both");
    }

    #[tokio::test]
    async fn what_was_committed_during_a_sync_is_carried_by_the_next_one() {
        let (durable, begun, done) = disk();
        let mut first = Box::pin(durable.reached(durable.commit().ended()));
        starts(&mut first, &begun).await;
        let later: Vec<u64> = (0..100).map(|_| durable.commit().ended()).collect();
        let mut later = Box::pin(join_all(later.into_iter().map(|number| durable.reached(number))));
        assert!((&mut later).now_or_never().is_none());
        done.send(Ok(())).unwrap();
        first.await.unwrap();
        starts(&mut later, &begun).await;
        done.send(Ok(())).unwrap();
        assert!(later.await.iter().all(Result::is_ok));
        assert!(begun.try_recv().is_err(), "one sync for a hundred");
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_after_a_sync_that_failed() {
        let (durable, _begun, done) = disk();
        done.send(Err(Error::other("the disk is gone"))).unwrap();
        assert!(durable.reached(durable.commit().ended()).await.is_err());
        done.send(Ok(())).unwrap();
        assert!(
            durable.reached(durable.commit().ended()).await.is_err(),
            "the next sync would pass, and say nothing"
        );
        assert!(durable.all_reached().await.is_err());
    }

    #[tokio::test]
    async fn who_waits_for_the_turn_is_not_answered_by_the_sync_after_one_that_failed() {
        let (durable, begun, done) = disk();
        let mut first = Box::pin(durable.reached(durable.commit().ended()));
        starts(&mut first, &begun).await;
        let mut second = Box::pin(durable.reached(durable.commit().ended()));
        assert!((&mut second).now_or_never().is_none(), "it waits for its turn");
        done.send(Err(Error::other("the disk is gone"))).unwrap();
        assert!(first.await.is_err());
        done.send(Ok(())).unwrap();
        assert!(second.await.is_err(), "acknowledged by a sync after one that failed");
    }

    #[tokio::test]
    async fn a_sync_that_fails_after_its_waiter_went_away_is_not_forgotten() {
        let (durable, begun, done) = disk();
        let mut first = Box::pin(durable.reached(durable.commit().ended()));
        starts(&mut first, &begun).await;
        drop(first); // The client hung up.
        let mut second = Box::pin(durable.reached(durable.commit().ended()));
        assert!((&mut second).now_or_never().is_none());
        done.send(Err(Error::other("the disk is gone"))).unwrap();
        done.send(Ok(())).unwrap();
        assert!(second.await.is_err(), "acknowledged although the sync of whoever went away failed");
    }

    #[tokio::test]
    async fn a_sync_that_could_not_begin_is_begun_again() {
        let full = std::sync::Arc::new(AtomicBool::new(true));
        let told = std::sync::Arc::clone(&full);
        let durable = Durable::by(move || {
            let none_left = || Unsynced::Later(Error::other("no descriptor left"));
            if told.load(Ordering::SeqCst) { Err(none_left()) } else { Ok(()) }
        });
        let number = durable.commit().ended();
        assert!(durable.reached(number).await.is_err(), "nobody is told of it yet");
        full.store(false, Ordering::SeqCst);
        durable.reached(number).await.unwrap();
        durable.all_reached().await.unwrap();
    }
}
