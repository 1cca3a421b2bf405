//! The write-ahead log is copied into the database now and then: SQLite would do it on the thread of whoever commits.
//!
//! SQLite begins the log anew only once all of it is copied and nobody reads it, and who commits without a pause stays ahead of every copy. So
//! most of it is copied while others commit, and the rest while nobody may (sqlite.org/wal.html, section 2.3).

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::sqlite::Writer;

/// Commits between two copies.
const EVERY: u32 = 400;
/// Octets that the log may have before, and commits after which that is looked at: some commits are large.
pub(super) const LARGE: i64 = 64 << 20;
const LOOKED_AT_EACH: u32 = 16;
/// How long writers wait for readers to leave the log.
const READERS: Duration = Duration::from_millis(50);

pub(super) struct Checkpoints {
    /// Empty once it is closed.
    connection: Mutex<Option<Connection>>,
    /// Since the last copy.
    commits: AtomicU32,
    is_copying: AtomicBool,
    log: PathBuf,
}

impl Checkpoints {
    /// With a connection of its own to the file whose log is at `log`. A log that was begun anew gives back to the disk what it had beyond `LARGE`.
    pub(super) fn by(connection: Connection, log: PathBuf) -> Result<Self, rusqlite::Error> {
        connection.busy_timeout(READERS)?;
        let (commits, is_copying) = (AtomicU32::new(0), AtomicBool::new(false));
        Ok(Self { connection: Mutex::new(Some(connection)), commits, is_copying, log })
    }

    /// One commit in so many, or one that finds the log large, waits until it is copied.
    pub(super) async fn after_commit(self: &Arc<Self>, writer: &Writer) {
        let commits = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = commits >= EVERY || commits.is_multiple_of(LOOKED_AT_EACH) && self.is_large();
        if !is_due || self.is_copying.swap(true, Ordering::Relaxed) {
            return;
        }
        // To its end, also when who waits for it goes away.
        let (this, writer) = (Arc::clone(self), Arc::clone(writer));
        let copied = tokio::spawn(async move {
            this.copy("PRAGMA wal_checkpoint(PASSIVE)").await;
            let _alone = writer.lock().await;
            this.commits.store(0, Ordering::Relaxed);
            this.copy("PRAGMA wal_checkpoint(RESTART)").await;
            this.is_copying.store(false, Ordering::Relaxed);
        });
        drop(copied.await);
    }

    fn is_large(&self) -> bool {
        std::fs::metadata(&self.log).is_ok_and(|log| log.len() > LARGE as u64)
    }

    pub(super) fn close(&self) {
        drop(self.connection.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    async fn copy(self: &Arc<Self>, pragma: &'static str) {
        let this = Arc::clone(self);
        let copied = tokio::task::spawn_blocking(move || {
            let connection = this.connection.lock().unwrap_or_else(PoisonError::into_inner);
            connection.as_ref().map_or(Ok(()), |connection| connection.query_row(pragma, [], |_| Ok(())))
        });
        if let Ok(Err(error)) = copied.await {
            tracing::warn!(%error, "the database could not be brought up to its log; it is tried again");
        }
    }
}
