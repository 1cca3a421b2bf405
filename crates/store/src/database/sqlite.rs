//! One file for one process: one writer, several readers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column as _, Executor, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use crate::{Row, Statement, StoreError, Value};

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

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

fn query<'q>(statement: Statement, values: &[Value]) -> Query<'q> {
    values.iter().fold(sqlx::query(statement.sql()), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Null => query.bind(None::<String>),
    })
}

pub(super) async fn execute<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: Statement,
    values: &[Value],
) -> Result<u64, StoreError> {
    let done = query(statement, values).execute(executor).await;
    done.map(|done| done.rows_affected()).map_err(StoreError::database(statement.name()))
}

pub(super) async fn fetch_optional<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: Statement,
    values: &[Value],
) -> Result<Option<Row>, StoreError> {
    let row = query(statement, values).fetch_optional(executor).await;
    let row = row.map_err(StoreError::database(statement.name()))?;
    row.map(|row| Ok(Row::new(columns(&row), decode(&row, statement)?))).transpose()
}

pub(super) async fn fetch_all<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: Statement,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let rows = query(statement, values).fetch_all(executor).await;
    let rows = rows.map_err(StoreError::database(statement.name()))?;
    let Some(names) = rows.first().map(columns) else { return Ok(Vec::new()) };
    rows.iter().map(|row| Ok(Row::new(Arc::clone(&names), decode(row, statement)?))).collect()
}

fn columns(row: &SqliteRow) -> Arc<[String]> {
    row.columns().iter().map(|column| column.name().to_owned()).collect()
}

fn decode(row: &SqliteRow, statement: Statement) -> Result<Vec<Value>, StoreError> {
    (0..row.len()).map(|at| decode_one(row, at).map_err(StoreError::database(statement.name()))).collect()
}

fn decode_one(row: &SqliteRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // The type of the value itself: SQLite's columns do not bind what is in them.
    match raw.type_info().name() {
        "TEXT" => row.try_get_unchecked(at).map(Value::Text),
        "INTEGER" => row.try_get_unchecked(at).map(Value::Int),
        "BLOB" => row.try_get_unchecked(at).map(Value::Bytes),
        other => Err(sqlx::Error::Decode(format!("a {other} is none of TEXT, BIGINT, BYTEA").into())),
    }
}
