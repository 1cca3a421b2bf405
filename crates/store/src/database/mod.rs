//! The database, behind a façade that hides the driver: a SQLite file of one process, or a PostgreSQL server that several share.
//!
//! What both promise: a transaction writes alone among transactions, a commit that returned is on disk, and a single statement is done
//! whole or not at all. Whoever reads and then writes by what was read does both in one transaction, or lets the statement's own `WHERE` or
//! `ON CONFLICT` decide.

mod address;
mod begun;
mod checkpoint;
mod connections;
mod durable;
mod postgres;
mod sqlite;
#[cfg(test)]
mod untold;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::turns::{Stripes, Turn};
use crate::{Clock, Migration, Row, Statement, StoreError, Value, migrations};

pub use address::{Postgres, PostgresAddress};
pub(crate) use postgres::Lock;

/// A database, open and migrated. Cheap to clone.
///
/// Reads see the last commit, and never wait for a writer but until what they saw is on disk. A commit that returned is on disk.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    stripes: Stripes,
}

#[derive(Clone)]
enum Engine {
    File(sqlite::File),
    Server(postgres::Server),
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.engine {
            Engine::File(_) => "Database(SQLite)",
            Engine::Server(_) => "Database(PostgreSQL)",
        })
    }
}

impl Database {
    /// Opens or creates the file at `path` (readable by its owner only) and applies the migrations that it lacks.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the file was migrated by another or newer program, else what the system says.
    pub async fn open(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        Self::migrated(Engine::File(sqlite::File::open(path, true).await?), migrations).await
    }

    /// The same, where another program opens the file too: each commit is on disk before that one sees it.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_beside_another(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        Self::migrated(Engine::File(sqlite::File::open(path, false).await?), migrations).await
    }

    /// Connects to a server and applies the migrations that its database lacks; of several processes that start together, one does.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the database was migrated by another or newer program or the server does not keep what it acknowledges,
    /// [`StoreError::Away`] if it does not answer within ten seconds, else what it says.
    pub async fn connect(postgres: &Postgres, migrations: &[Migration]) -> Result<Self, StoreError> {
        Self::migrated(Engine::Server(postgres::Server::open(postgres).await?), migrations).await
    }

    /// Asks a server whether the platform could work with it, and changes nothing there; the answer is its version, and its time in Unix
    /// milliseconds.
    ///
    /// # Errors
    /// As [`Database::connect`].
    pub async fn probe(postgres: &Postgres) -> Result<(String, u64), StoreError> {
        let server = postgres::Server::open(postgres).await?;
        let said = async { Ok((server.version().await?, server.now_ms().await?)) }.await;
        server.close();
        said
    }

    async fn migrated(engine: Engine, migrations: &[Migration]) -> Result<Self, StoreError> {
        let database = Self { engine, stripes: Stripes::default() };
        migrations::apply(&database, migrations).await?;
        Ok(database)
    }

    /// Whether other processes may use it at the same time: what is half done in it may be another's, who lives.
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Server(_))
    }

    /// The time that all of its processes share, in Unix milliseconds: the server's, or `clock`'s where there is one process.
    ///
    /// # Errors
    /// [`StoreError`] if the server does not answer.
    pub async fn now_ms(&self, clock: &dyn Clock) -> Result<u64, StoreError> {
        match &self.engine {
            Engine::File(_) => Ok(clock.now_ms()),
            Engine::Server(server) => server.now_ms().await,
        }
    }

    /// Waits for the turn at `what`, which one holds at a time among all processes of this database. Whoever ends, ends its turn.
    ///
    /// A server that restarts forgets who holds what: a turn keeps acts from refusing each other, it is not what makes them safe.
    ///
    /// # Errors
    /// [`StoreError::Away`] if it does not come within a minute.
    pub async fn turn(&self, what: &str) -> Result<Turn, StoreError> {
        let (here, key) = self.stripes.take(what).await;
        match &self.engine {
            Engine::File(_) => Ok(Turn::here(here)),
            Engine::Server(server) => Ok(Turn::everywhere(here, server.lock(key).await?)),
        }
    }

    /// Runs a statement that writes; returns how many rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a unique or foreign key says no, [`StoreError::Database`] otherwise.
    pub async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        match &self.engine {
            Engine::File(file) => file.execute(statement, values).await,
            Engine::Server(server) => server.execute(statement, values).await,
        }
    }

    /// The same, for one that returns what it wrote (`RETURNING`).
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn write(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::File(file) => file.write(statement, values).await,
            Engine::Server(server) => server.write(statement, values).await,
        }
    }

    /// The one row that a read finds.
    ///
    /// # Errors
    /// [`StoreError::NoRow`] if there is none.
    pub async fn fetch_one(&self, statement: Statement, values: &[Value]) -> Result<Row, StoreError> {
        let row = self.fetch_optional(statement, values).await?;
        row.ok_or(StoreError::NoRow { statement: statement.name() })
    }

    /// The first row that a read finds, if any.
    ///
    /// # Errors
    /// [`StoreError::Database`]; a statement that writes is refused here.
    pub async fn fetch_optional(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        match &self.engine {
            Engine::File(file) => file.fetch_optional(statement, values).await,
            Engine::Server(server) => server.fetch_optional(statement, values).await,
        }
    }

    /// Each row that a read finds.
    ///
    /// # Errors
    /// [`StoreError::Database`]; a statement that writes is refused here.
    pub async fn fetch_all(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::File(file) => file.fetch_all(statement, values).await,
            Engine::Server(server) => server.fetch_all(statement, values).await,
        }
    }

    /// As [`Database::fetch_all`] for a statement that finds a few rows by its own limit: they are read by whoever asks, and not by another thread.
    ///
    /// # Errors
    /// As [`Database::fetch_all`].
    pub async fn fetch_few(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::File(file) => file.fetch_most(statement, values, usize::MAX).await,
            Engine::Server(server) => server.fetch_all(statement, values).await,
        }
    }

    /// Begins, alone among transactions: what is read in it stays so until its commit. What is not committed is rolled back when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Away`] if the other writers do not end within ten seconds.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::of(match &self.engine {
            Engine::File(file) => Inner::File(file.begin().await?),
            Engine::Server(server) => Inner::Server(server.begin().await?),
        }))
    }

    /// The same for migrations, which may last.
    pub(crate) async fn begin_migration(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::of(match &self.engine {
            Engine::File(file) => Inner::File(file.begin().await?),
            Engine::Server(server) => Inner::Server(server.begin_migration().await?),
        }))
    }

    /// Closes every connection; for a clean stop.
    pub async fn close(&self) {
        match &self.engine {
            Engine::File(file) => file.close().await,
            Engine::Server(server) => server.close(),
        }
    }
}

/// Writes that become visible together, or not at all.
pub struct Transaction {
    inner: Inner,
    wake: Vec<Arc<Notify>>,
}

enum Inner {
    File(sqlite::Writing),
    Server(begun::Begun),
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transaction(..)")
    }
}

impl Transaction {
    fn of(inner: Inner) -> Self {
        Self { inner, wake: Vec::new() }
    }

    /// As [`Database::execute`].
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn execute(&mut self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        match &mut self.inner {
            Inner::File(inner) => inner.execute(statement, values),
            Inner::Server(inner) => inner.execute(statement, values).await,
        }
    }

    /// As [`Database::fetch_one`]; may also write (`RETURNING`).
    ///
    /// # Errors
    /// As [`Database::fetch_one`].
    pub async fn fetch_one(&mut self, statement: Statement, values: &[Value]) -> Result<Row, StoreError> {
        let row = self.fetch_optional(statement, values).await?;
        row.ok_or(StoreError::NoRow { statement: statement.name() })
    }

    /// As [`Database::fetch_optional`]; may also write.
    ///
    /// # Errors
    /// As [`Database::fetch_optional`].
    pub async fn fetch_optional(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        match &mut self.inner {
            Inner::File(inner) => inner.fetch_optional(statement, values),
            Inner::Server(inner) => inner.fetch_optional(statement, values).await,
        }
    }

    /// As [`Database::fetch_all`]; may also write.
    ///
    /// # Errors
    /// As [`Database::fetch_all`].
    pub async fn fetch_all(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.inner {
            Inner::File(inner) => inner.fetch_all(statement, values),
            Inner::Server(inner) => inner.fetch_all(statement, values).await,
        }
    }

    /// Makes it durable; on disk when it returns.
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing was kept then. [`StoreError::Away`]: nobody knows whether it was kept, and asking again tells.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::File(inner) => inner.commit().await?,
            Inner::Server(inner) => inner.commit().await?,
        }
        self.wake.iter().for_each(|sleeper| sleeper.notify_one());
        Ok(())
    }

    /// Forgets it at once, rather than when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::File(inner) => {
                drop(inner);
                Ok(())
            }
            Inner::Server(inner) => inner.rollback().await,
        }
    }

    /// Wakes `sleeper` once this is committed.
    pub(crate) fn wake_after(&mut self, sleeper: Arc<Notify>) {
        self.wake.push(sleeper);
    }

    /// Runs several statements in one text, for migrations.
    pub(crate) async fn run_script(
        &mut self,
        name: &'static str,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        match &mut self.inner {
            Inner::File(inner) => inner.run_script(name, sql),
            Inner::Server(inner) => inner.run_script(name, sql).await,
        }
    }
}
