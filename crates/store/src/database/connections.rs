//! Connections to a PostgreSQL server, kept for the next who needs one.
//!
//! The driver's own pool asks the server twice for each use whether it is there, which triples the way of a single statement. Here it is asked
//! only where a connection lay idle, or another one was lost meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::postgres::PATIENCE;
use crate::{StoreError, error::away};

/// A connection that was used since is taken to be there.
const FRESH: Duration = Duration::from_millis(100);
/// A server's memory for a session only grows.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Prepared statements of a connection; more than the house has.
const PREPARED: usize = 512;

/// Connections to one server.
#[derive(Clone)]
pub(super) struct Connections(Pool<Opener>);

impl Connections {
    /// At most so many; none is opened before it is needed.
    pub(super) fn to(options: PgConnectOptions, most: u32) -> Result<Self, StoreError> {
        let opener = Opener { options: options.statement_cache_capacity(PREPARED), lost: AtomicU64::new(0) };
        let pool = Pool::builder(opener)
            .max_size(usize::try_from(most.max(1)).unwrap_or(1))
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
            // The one that was used last is fresh, and what it prepared is there.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(|error| StoreError::Settings(error.to_string()))
    }

    /// One that no other has meanwhile.
    pub(super) async fn get(&self) -> Result<Held, sqlx::Error> {
        let object = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => sqlx::Error::PoolClosed,
            _ => sqlx::Error::PoolTimedOut,
        })?;
        Ok(Held { object: Some(object), in_use: false })
    }

    /// Closes those that nobody has; the others when they are given back.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

/// Opens connections.
struct Opener {
    options: PgConnectOptions,
    /// How many were lost until now: whatever ended one of them may have ended the others.
    lost: AtomicU64,
}

/// An open connection.
struct Open {
    connection: PgConnection,
    /// How many had been lost when the server last answered here.
    lost: u64,
}

impl Manager for Opener {
    type Type = Open;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Open, sqlx::Error> {
        let lost = self.lost.load(Ordering::Acquire);
        // Whoever waits for a connection need not carry the whole handshake.
        Ok(Open { connection: Box::pin(self.options.connect()).await?, lost })
    }

    async fn recycle(&self, open: &mut Open, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFETIME {
            return Err(RecycleError::message("old"));
        }
        let lost = self.lost.load(Ordering::Acquire);
        if open.lost != lost || metrics.last_used() > FRESH {
            if let Err(error) = Box::pin(open.connection.ping()).await {
                self.lost.fetch_add(1, Ordering::AcqRel);
                return Err(error.into());
            }
            open.lost = lost;
        }
        Ok(())
    }
}

/// A connection in one hand. Whoever stops in the midst of a statement leaves it unusable: it is closed then, and so it is after a failure that
/// is not the statement's own.
pub(super) struct Held {
    object: Option<Object<Opener>>,
    in_use: bool,
}

impl Held {
    /// For one exchange with the server, whose outcome is told to [`Held::done`].
    pub(super) fn begin(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.in_use = true;
        self.object.as_mut().map(|open| &mut open.connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// The exchange came to its end.
    pub(super) fn done<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.in_use = outcome.as_ref().is_err_and(|error| error.as_database_error().is_none() || away(error));
        outcome
    }

    /// Whether another exchange can begin.
    pub(super) fn is_usable(&self) -> bool {
        !self.in_use
    }

    /// Closes it rather than giving it back: the server ends what it held.
    pub(super) fn close(mut self) {
        drop(self.object.take().map(Object::take));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if self.in_use {
            if let Some(pool) = Object::pool(&object) {
                pool.manager().lost.fetch_add(1, Ordering::AcqRel);
            }
            drop(Object::take(object));
        }
    }
}
