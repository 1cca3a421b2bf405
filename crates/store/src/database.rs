//! The database: one writer, several readers, behind a façade that hides the driver.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column as _, Executor, Row as _, Sqlite, TypeInfo as _, ValueRef as _};
use tokio::sync::Notify;

use crate::{Migration, Row, Statement, StoreError, Value, migrations};

const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(10);

/// A database, open and migrated. Cheap to clone.
///
/// Reads see the last commit and never wait for the writer (WAL). A commit that returned is on disk
/// (`synchronous=FULL`).
#[derive(Debug, Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens or creates the file at `path` (readable by its owner only) and applies the migrations that it lacks.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the file was migrated by another or newer program, else what the system says.
    pub async fn open(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
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
        let database = Self { writer, readers };
        migrations::apply(&database, migrations).await?;
        Ok(database)
    }

    /// Runs a statement that writes; returns how many rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a unique or foreign key says no, [`StoreError::Database`] otherwise.
    pub async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        execute(&self.writer, statement, values).await
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
        fetch_optional(&self.readers, statement, values).await
    }

    /// Each row that a read finds.
    ///
    /// # Errors
    /// [`StoreError::Database`]; a statement that writes is refused here.
    pub async fn fetch_all(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        fetch_all(&self.readers, statement, values).await
    }

    /// Takes the writer and begins (`BEGIN IMMEDIATE`). What is not committed is rolled back when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the writer does not come free within ten seconds.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let inner = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::database("begin"))?;
        Ok(Transaction { inner, wake: Vec::new() })
    }

    /// Closes every connection; for a clean stop.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Writes that become visible together, or not at all.
#[derive(Debug)]
pub struct Transaction {
    inner: sqlx::Transaction<'static, Sqlite>,
    wake: Vec<Arc<Notify>>,
}

impl Transaction {
    /// As [`Database::execute`].
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn execute(&mut self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        execute(&mut *self.inner, statement, values).await
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
        fetch_optional(&mut *self.inner, statement, values).await
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
        fetch_all(&mut *self.inner, statement, values).await
    }

    /// Makes it durable; on disk when it returns.
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing was kept then.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await.map_err(StoreError::database("commit"))?;
        self.wake.iter().for_each(|sleeper| sleeper.notify_one());
        Ok(())
    }

    /// Forgets it at once, rather than when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.inner.rollback().await.map_err(StoreError::database("rollback"))
    }

    /// Wakes `sleeper` once this is committed.
    pub(crate) fn wake_after(&mut self, sleeper: Arc<Notify>) {
        self.wake.push(sleeper);
    }

    /// Runs several statements in one text, for migrations.
    pub(crate) async fn run_script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&mut *self.inner).await.map(drop)
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

async fn execute<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: Statement,
    values: &[Value],
) -> Result<u64, StoreError> {
    let done = query(statement, values).execute(executor).await;
    done.map(|done| done.rows_affected()).map_err(StoreError::database(statement.name()))
}

async fn fetch_optional<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: Statement,
    values: &[Value],
) -> Result<Option<Row>, StoreError> {
    let row = query(statement, values).fetch_optional(executor).await;
    let row = row.map_err(StoreError::database(statement.name()))?;
    row.map(|row| Ok(Row::new(columns(&row), decode(&row, statement)?))).transpose()
}

async fn fetch_all<'c>(
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
