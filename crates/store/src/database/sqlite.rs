//! One file for one process: one writer, several readers.

use std::path::Path;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteQueryResult, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::driver::{Driver, unknown};
use crate::{Statement, StoreError, Value};

const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(10);

/// The file, open.
#[derive(Clone)]
pub(super) struct File {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl File {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            // A commit that failed (the disk is full) leaves a connection that believes to be in a transaction for ever: the next takes another.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(StoreError::database("open"))?;
        let database_readers = options.pragma("query_only", "ON");
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .connect_with(database_readers)
            .await
            .map_err(StoreError::database("open"))?;
        Ok(Self { writer, readers })
    }

    /// Takes the writer.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::database("begin"))
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
