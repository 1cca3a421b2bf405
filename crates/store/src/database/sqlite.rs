//! One file for one process: one writer, several readers.
//!
//! A statement of ours takes less time than to hand it to another thread and its rows back, so it runs on the thread that asks. What may last
//! has a thread of its own: a list, the sync of a commit (`durable`), a checkpoint.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::checkpoint::{self, Checkpoints};
use super::durable::Durable;
use crate::{Row, Statement, StoreError, Value};

const READERS: usize = 4;
/// How long is waited for the writer, and for another program that holds the file.
const BUSY: Duration = Duration::from_secs(10);
/// Between two tries while another program holds the file.
const PAUSE: Duration = Duration::from_millis(10);
/// Statements that a connection keeps prepared: more than there are.
const PREPARED: usize = 512;
/// What a migration says behind a table whose rows lie in its primary key ([`Migration`](crate::Migration)).
const CLUSTERED: &str = "/* SQLite: WITHOUT ROWID */";

/// Empty once it is closed.
pub(super) type Writer = Arc<tokio::sync::Mutex<Option<Connection>>>;

/// The file, open.
#[derive(Clone)]
pub(super) struct File {
    writer: Writer,
    readers: Arc<Readers>,
    checkpoints: Arc<Checkpoints>,
    durable: Durable,
}

impl File {
    /// The file at `path`; `alone` where no other program reads it, which would see a commit before it is synced.
    pub(super) async fn open(path: &Path, alone: bool) -> Result<Self, StoreError> {
        // Who waits for the disk: `durable`; or SQLite, before anybody sees the commit.
        let (durable, synchronous) =
            if alone { (Durable::of(path), "normal") } else { (Durable::by_commits(), "full") };
        Self::with(path, durable, synchronous).await
    }

    /// The same, whose commits reach the disk as `durable` says.
    pub(super) async fn with(
        path: &Path,
        durable: Durable,
        synchronous: &'static str,
    ) -> Result<Self, StoreError> {
        create_private(path)?;
        let begun = Instant::now();
        let (writer, readers, checkpoints) = loop {
            let path = path.to_owned();
            let opened = tokio::task::spawn_blocking(move || open_all(&path, synchronous)).await;
            match opened.map_err(StoreError::stopped("open"))? {
                // Of programs that give a new file its log at once, SQLite refuses all but one without waiting.
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY => tokio::time::sleep(PAUSE).await,
                done => break done.map_err(StoreError::file("open"))?,
            }
        };
        Ok(Self {
            writer: Arc::new(tokio::sync::Mutex::new(Some(writer))),
            readers: Arc::new(Readers {
                free: Mutex::new(readers),
                turns: Arc::new(Semaphore::new(READERS)),
            }),
            checkpoints: Arc::new(checkpoints),
            durable,
        })
    }

    /// Takes the writer.
    pub(super) async fn begin(&self) -> Result<Writing, StoreError> {
        let mut writing = Writing { writer: self.writer("begin").await?, file: self.clone() };
        patiently("begin", || say(writing.connection()?, "BEGIN IMMEDIATE")).await?;
        Ok(writing)
    }

    pub(super) async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        self.alone(statement, |connection| execute(connection, statement, values)).await
    }

    pub(super) async fn write(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.alone(statement, |connection| fetch(connection, statement, values, usize::MAX)).await
    }

    /// A statement that writes, by itself; on disk when it returns.
    async fn alone<T>(
        &self,
        statement: Statement,
        act: impl Fn(&mut Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let mut writing = Writing { writer: self.writer(statement.name()).await?, file: self.clone() };
        let mut number = 0;
        let done = patiently(statement.name(), || {
            // Of this try alone: while another program holds the file, readers wait for nothing.
            let commit = self.durable.commit();
            let done = act(writing.connection()?);
            number = commit.ended();
            done
        });
        let done = done.await;
        drop(writing);
        self.reached(number).await?;
        done
    }

    pub(super) async fn fetch_optional(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_most(statement, values, 1).await?.pop())
    }

    pub(super) async fn fetch_most(
        &self,
        statement: Statement,
        values: &[Value],
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut reader = self.readers.take(statement).await?;
        let found =
            patiently(statement.name(), || fetch(reader.connection()?, statement, values, most)).await;
        drop(reader);
        self.durable.all_reached().await?;
        found
    }

    pub(super) async fn fetch_all(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut reader = self.readers.take(statement).await?;
        let (values, runtime) = (values.to_vec(), tokio::runtime::Handle::current());
        let list = tokio::task::spawn_blocking(move || {
            let name = statement.name();
            runtime.block_on(patiently(name, || fetch(reader.connection()?, statement, &values, usize::MAX)))
        });
        let found = list.await.map_err(StoreError::stopped(statement.name()))?;
        self.durable.all_reached().await?;
        found
    }

    /// Closes each connection once it is given back.
    pub(super) async fn close(&self) {
        self.readers.turns.close();
        drop(std::mem::take(&mut *self.readers.free()));
        self.checkpoints.close();
        drop(self.writer.lock().await.take());
    }

    async fn writer(
        &self,
        statement: &'static str,
    ) -> Result<OwnedMutexGuard<Option<Connection>>, StoreError> {
        let turn = tokio::time::timeout(BUSY, Arc::clone(&self.writer).lock_owned()).await;
        turn.map_err(|_| StoreError::Away { statement, source: "the other writers do not end".into() })
    }

    async fn reached(&self, commit: u64) -> Result<(), StoreError> {
        self.durable.reached(commit).await?;
        self.checkpoints.after_commit(&self.writer).await;
        Ok(())
    }
}

/// The one writer, in a transaction or not. What is not committed when it is dropped is rolled back.
pub(super) struct Writing {
    writer: OwnedMutexGuard<Option<Connection>>,
    file: File,
}

impl Writing {
    pub(super) fn execute(&mut self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        let done = self.connection().and_then(|connection| execute(connection, statement, values));
        done.map_err(StoreError::file(statement.name()))
    }

    pub(super) fn fetch_optional(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let found = self.connection().and_then(|connection| fetch(connection, statement, values, 1));
        found.map(|mut rows| rows.pop()).map_err(StoreError::file(statement.name()))
    }

    pub(super) fn fetch_all(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let found = self.connection().and_then(|connection| fetch(connection, statement, values, usize::MAX));
        found.map_err(StoreError::file(statement.name()))
    }

    pub(super) fn run_script(&mut self, name: &'static str, sql: &str) -> Result<(), StoreError> {
        let sql = &sql.replace(CLUSTERED, "WITHOUT ROWID");
        self.connection().and_then(|connection| connection.execute_batch(sql)).map_err(StoreError::file(name))
    }

    /// On disk when it returns.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let file = self.file.clone();
        let mut number = 0;
        let done = patiently("commit", || {
            let commit = file.durable.commit();
            let done = say(self.connection()?, "COMMIT");
            number = commit.ended();
            done
        });
        let done = done.await;
        drop(self);
        file.reached(number).await?;
        done
    }

    fn connection(&mut self) -> Result<&mut Connection, rusqlite::Error> {
        self.writer.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(connection) = self.writer.as_ref().filter(|connection| !connection.is_autocommit()) else {
            return;
        };
        // What failed (the disk is full) may have ended it already.
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }
}

/// Connections that read.
struct Readers {
    free: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

/// One of them, given back when it is dropped.
struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _turn: OwnedSemaphorePermit,
}

impl Readers {
    async fn take(self: &Arc<Self>, statement: Statement) -> Result<Reader, StoreError> {
        let away = |why: &'static str| StoreError::Away { statement: statement.name(), source: why.into() };
        let turn = tokio::time::timeout(BUSY, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| away("the other readers do not end"))?;
        let turn = turn.map_err(|_| away("the database is closed"))?;
        Ok(Reader { connection: self.free().pop(), readers: Arc::clone(self), _turn: turn })
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn connection(&mut self) -> Result<&mut Connection, rusqlite::Error> {
        self.connection.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.readers.turns.is_closed() {
            self.readers.free().extend(self.connection.take());
        }
    }
}

/// Tries again what another program keeps from being done; nothing of it was done then.
async fn patiently<T>(
    statement: &'static str,
    mut act: impl FnMut() -> Result<T, rusqlite::Error>,
) -> Result<T, StoreError> {
    let begun = Instant::now();
    loop {
        match act() {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => tokio::time::sleep(PAUSE).await,
            done => return done.map_err(StoreError::file(statement)),
        }
    }
}

/// Another program holds the file.
fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// The writer, the readers, and who copies from the log.
fn open_all(
    path: &Path,
    synchronous: &str,
) -> Result<(Connection, Vec<Connection>, Checkpoints), rusqlite::Error> {
    let [writer, checkpoints] = [connect(path, synchronous)?, connect(path, synchronous)?];
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let reader = connect(path, synchronous)?;
        reader.pragma_update(None, "query_only", true)?;
        readers.push(reader);
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok((writer, readers, Checkpoints::by(checkpoints, log.into())?))
}

fn connect(path: &Path, synchronous: &str) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // While it is opened nobody else has a turn to wait for: SQLite itself waits.
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", checkpoint::LARGE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
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

/// Begins or ends a transaction.
fn say(connection: &Connection, words: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(words)?.execute(()).map(drop)
}

fn execute(
    connection: &mut Connection,
    statement: Statement,
    values: &[Value],
) -> Result<u64, rusqlite::Error> {
    fetch(connection, statement, values, usize::MAX)?;
    Ok(connection.changes())
}

/// The first rows, at most `most`.
fn fetch(
    connection: &mut Connection,
    statement: Statement,
    values: &[Value],
    most: usize,
) -> Result<Vec<Row>, rusqlite::Error> {
    let mut prepared = connection.prepare_cached(statement.sql())?;
    bind(&mut prepared, values)?;
    let columns: Arc<[String]> = prepared.column_names().map(str::to_owned).collect();
    let (mut found, mut rows) = (Vec::new(), prepared.raw_query());
    while found.len() < most
        && let Some(row) = rows.next()?
    {
        let values = (0..columns.len()).map(|at| Ok(value(row.get_ref(at)?, at)?));
        found.push(Row::new(Arc::clone(&columns), values.collect::<Result<_, rusqlite::Error>>()?));
    }
    Ok(found)
}

/// `$2` is a name to SQLite; to us it is the second value.
fn bind(prepared: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<(), rusqlite::Error> {
    for at in 1..=prepared.parameter_count() {
        let name = prepared.parameter_name(at).and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|number| number.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = match value.ok_or(rusqlite::Error::InvalidParameterCount(values.len(), at))? {
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Null => ValueRef::Null,
        };
        prepared.raw_bind_parameter(at, ToSqlOutput::Borrowed(value))?;
    }
    Ok(())
}

/// By the type of the value itself: SQLite's columns do not bind what is in them.
fn value(value: ValueRef<'_>, at: usize) -> Result<Value, rusqlite::types::FromSqlError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
        ValueRef::Real(_) => {
            return Err(rusqlite::types::FromSqlError::Other(
                format!("column {at} holds a number that is not whole: none of TEXT, BIGINT, BYTEA").into(),
            ));
        }
    })
}
