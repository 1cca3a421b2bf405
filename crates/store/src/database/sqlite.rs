//! One file for one process: one writer, several readers.

use std::path::Path;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteQueryResult, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::driver::{self, Driver, unknown};
use super::durable::Durable;
use crate::{Row, Statement, StoreError, Value};

const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(10);

/// The file, open.
#[derive(Clone)]
pub(super) struct File {
    writer: SqlitePool,
    readers: SqlitePool,
    durable: Durable,
}

/// A transaction of the one writer.
pub(super) struct Writing {
    pub(super) inner: sqlx::Transaction<'static, Sqlite>,
    durable: Durable,
}

impl File {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // Who waits for the disk: `durable`.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        // A file does not hang up: to ask each connection first whether it lives doubles what a statement costs.
        let pool = || SqlitePoolOptions::new().acquire_timeout(BUSY).test_before_acquire(false);
        let writer = pool()
            .max_connections(1)
            // A commit that failed (the disk is full) leaves a connection that believes to be in a transaction for ever: the next takes another.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(StoreError::database("open"))?;
        let database_readers = options.pragma("query_only", "ON");
        let readers = pool()
            .max_connections(READERS)
            .connect_with(database_readers)
            .await
            .map_err(StoreError::database("open"))?;
        Ok(Self { writer, readers, durable: Durable::of(path) })
    }

    /// Takes the writer.
    pub(super) async fn begin(&self) -> Result<Writing, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        let inner = begun.map_err(StoreError::database("begin"))?;
        Ok(Writing { inner, durable: self.durable.clone() })
    }

    pub(super) async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        let mut writer = self.writer.acquire().await.map_err(StoreError::database(statement.name()))?;
        let commit = self.durable.commit();
        let done = driver::execute(&mut *writer, statement, values).await;
        drop(writer);
        self.durable.reached(commit.ended()).await?;
        done
    }

    pub(super) async fn write(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut writer = self.writer.acquire().await.map_err(StoreError::database(statement.name()))?;
        let commit = self.durable.commit();
        let done = driver::fetch_all(&mut *writer, statement, values).await;
        drop(writer);
        self.durable.reached(commit.ended()).await?;
        done
    }

    pub(super) async fn fetch_optional(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let found = driver::fetch_optional(&self.readers, statement, values).await;
        self.durable.all_reached().await?;
        found
    }

    pub(super) async fn fetch_all(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let found = driver::fetch_all(&self.readers, statement, values).await;
        self.durable.all_reached().await?;
        found
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Writing {
    /// On disk when it returns.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let commit = self.durable.commit();
        let done = self.inner.commit().await.map_err(StoreError::database("commit"));
        self.durable.reached(commit.ended()).await?;
        done
    }
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(StoreError::io(format!("cannot open the database {}", path.display())))
}

impl Driver for Sqlite {
    fn query<'q>(statement: Statement, values: &[Value]) -> Query<'q, Self, SqliteArguments> {
        values.iter().fold(sqlx::query(statement.sql()), |query, value| match value {
            Value::Text(text) => query.bind(text.clone()),
            Value::Int(number) => query.bind(*number),
            Value::Bytes(bytes) => query.bind(bytes.clone()),
            Value::Null => query.bind(None::<String>),
        })
    }

    fn touched(done: &SqliteQueryResult) -> u64 {
        done.rows_affected()
    }

    fn value(row: &SqliteRow, at: usize) -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        // The type of the value itself: SQLite's columns do not bind what is in them.
        match raw.type_info().name() {
            "TEXT" => row.try_get_unchecked(at).map(Value::Text),
            "INTEGER" => row.try_get_unchecked(at).map(Value::Int),
            "BLOB" => row.try_get_unchecked(at).map(Value::Bytes),
            other => Err(unknown(other)),
        }
    }
}
