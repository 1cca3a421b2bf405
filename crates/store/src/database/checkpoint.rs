//! The write-ahead log is copied into the database now and then: SQLite would do it on the thread of whoever commits.
//!
//! SQLite begins the log anew only once all of it is copied and nobody reads it, and who commits without a pause stays ahead of every copy. So
//! most of it is copied while others commit, and the rest while nobody may (sqlite.org/wal.html, section 2.3).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::sqlite::Writer;

/// Commits between two copies.
const EVERY: u32 = 400;
/// How long writers wait for readers to leave the log.
const READERS: Duration = Duration::from_millis(50);

pub(super) struct Checkpoints {
    /// Empty once it is closed.
    connection: Mutex<Option<Connection>>,
    /// Since the last copy.
    commits: AtomicU32,
}

impl Checkpoints {
    pub(super) fn by(connection: Connection) -> Result<Self, rusqlite::Error> {
        connection.busy_timeout(READERS)?;
        Ok(Self { connection: Mutex::new(Some(connection)), commits: AtomicU32::new(0) })
    }

    /// One commit in so many waits until the log is copied.
    pub(super) async fn after_commit(self: &Arc<Self>, writer: &Writer) {
        if self.commits.fetch_add(1, Ordering::Relaxed) + 1 != EVERY {
            return;
        }
        // To its end, also when who waits for it goes away.
        let (this, writer) = (Arc::clone(self), Arc::clone(writer));
        let copied = tokio::spawn(async move {
            this.copy("PRAGMA wal_checkpoint(PASSIVE)").await;
            let _alone = writer.lock().await;
            this.commits.store(0, Ordering::Relaxed);
            this.copy("PRAGMA wal_checkpoint(RESTART)").await;
        });
        drop(copied.await);
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
