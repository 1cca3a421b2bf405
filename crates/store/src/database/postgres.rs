//! A PostgreSQL database, which several processes may use.
//!
//! A transaction takes a lock of the whole database first, and so writes alone, as the one writer of a SQLite file does: what it read stays
//! so until its commit, but for what a single statement changes, which is true of SQLite as well between two transactions. Each statement
//! sees what was committed before it (`READ COMMITTED`). A single statement is atomic by itself and waits for nobody but rows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::encode::IsNull;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{Column as _, Encode, Row as _, Type, TypeInfo as _, ValueRef as _};

use super::address::Postgres;
use super::begun::Begun;
use super::connections::{Connections, Held};
use crate::{Row, Statement, StoreError, Value};

/// How long is waited for a connection, and for a server that restarts.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries of a server that is away.
const PAUSE: Duration = Duration::from_millis(50);
/// How long two clocks are taken to run alike.
const TIME_HOLDS: Duration = Duration::from_secs(5);
/// Tries again what changed nothing, for as long as the server is away.
macro_rules! patiently {
    ($attempt:expr) => {{
        let begun = Instant::now();
        loop {
            match $attempt.await {
                Err(error) if error.is_away() && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                done => break done,
            }
        }
    }};
}

/// How often a statement that a deadlock ended is begun again.
const DEADLOCKS: u32 = 5;

/// What a session is told when it begins, whatever the server's own settings are. A process that is stuck in a transaction, holding the lock of
/// all writers, is thrown out; one that waits for it gives up before its caller does.
const SESSION: [(&str, &str); 7] = [
    ("client_min_messages", "warning"),
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("client_connection_check_interval", "10s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "30s"),
];
/// Whoever waits for a turn waits for another's whole act.
const TURN_TIMEOUT: [(&str, &str); 2] = [("lock_timeout", "60s"), ("statement_timeout", "60s")];

// Not portable, so in no list of statements: each is what only this server understands.
/// The lock of writers: any number would do; no other advisory lock of one number is taken here.
const BEGIN: Statement = Statement::new("BEGIN", "BEGIN; SELECT pg_advisory_xact_lock(7310864)");
const BEGIN_MIGRATION: Statement = Statement::new(
    "BEGIN_MIGRATION",
    "BEGIN; SET LOCAL lock_timeout = '600s'; SET LOCAL statement_timeout = '3600s'; SELECT pg_advisory_xact_lock(7310864)",
);
const LOCK_TURN: Statement =
    Statement::new("LOCK_TURN", "SELECT 1 AS n FROM pg_advisory_lock(7310864, CAST($1 AS INT))");
const UNLOCK_TURN: Statement =
    Statement::new("UNLOCK_TURN", "SELECT 1 AS n FROM pg_advisory_unlock(7310864, CAST($1 AS INT))");
const SERVER_TIME: Statement = Statement::new(
    "SERVER_TIME",
    "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
);
const VERSION: Statement = Statement::new("VERSION", "SELECT current_setting('server_version') AS version");
const SETTINGS: Statement = Statement::new(
    "SETTINGS",
    "SELECT current_setting('fsync') AS fsync, current_setting('server_version_num') AS version",
);

/// The oldest server that this is tested with: PostgreSQL 15.
const LEAST_VERSION: u32 = 150_000;

/// The server's database, open.
#[derive(Clone)]
pub(super) struct Server {
    connections: Connections,
    turns: Connections,
    asked: Arc<Mutex<Option<Asked>>>,
}

/// What the server said of its time, and when it was asked.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    now_ms: u64,
}

impl Server {
    pub(super) async fn open(postgres: &Postgres) -> Result<Self, StoreError> {
        let options = postgres.options().options(SESSION);
        let turns = options.clone().options(TURN_TIMEOUT);
        let server = Self {
            connections: Connections::to(options, postgres.connections)?,
            turns: Connections::to(turns, postgres.turns)?,
            asked: Arc::default(),
        };
        server.check().await?;
        Ok(server)
    }

    /// A server that does not write to its disk would make every promise of ours void.
    async fn check(&self) -> Result<(), StoreError> {
        let row = self.fetch_optional(SETTINGS, &[]).await?;
        let row = row.ok_or(StoreError::NoRow { statement: SETTINGS.name() })?;
        if row.get::<String>("fsync")? != "on" {
            return Err(StoreError::Schema(
                "the server runs with fsync = off, and so loses what it acknowledged; turn it on".into(),
            ));
        }
        let version = row.get::<String>("version")?;
        if version.parse::<u32>().is_ok_and(|version| version < LEAST_VERSION) {
            return Err(StoreError::Schema(format!(
                "PostgreSQL 15 or later is needed; the server is {version}"
            )));
        }
        Ok(())
    }

    /// As the server says it: `15.14 (Debian 15.14-0+deb12u1)`.
    pub(super) async fn version(&self) -> Result<String, StoreError> {
        let row = self.fetch_optional(VERSION, &[]).await?;
        row.ok_or(StoreError::NoRow { statement: VERSION.name() })?.get("version")
    }

    /// A statement that writes, by itself. Begun again only where it certainly was not done: before it was sent, or when the server ended it.
    pub(super) async fn execute(&self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        let mut deadlocks = 0;
        loop {
            let mut connection = self.connection(statement).await?;
            match connection.execute(statement, values).await {
                Err(error) if error.is_deadlock() && deadlocks < DEADLOCKS => deadlocks += 1,
                done => return done,
            }
        }
    }

    /// The same, with the row that it returns.
    pub(super) async fn write(&self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut deadlocks = 0;
        loop {
            let mut connection = self.connection(statement).await?;
            match connection.fetch_all(statement, values).await {
                Err(error) if error.is_deadlock() && deadlocks < DEADLOCKS => deadlocks += 1,
                done => return done,
            }
        }
    }

    pub(super) async fn fetch_optional(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        patiently!(async {
            self.connections.get_for(statement).await?.fetch_optional(statement, values).await
        })
    }

    pub(super) async fn fetch_all(
        &self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        patiently!(async { self.connections.get_for(statement).await?.fetch_all(statement, values).await })
    }

    /// Begins alone.
    pub(super) async fn begin(&self) -> Result<Begun, StoreError> {
        patiently!(self.begin_with(BEGIN))
    }

    /// The same for migrations, which last: whoever starts meanwhile waits.
    pub(super) async fn begin_migration(&self) -> Result<Begun, StoreError> {
        patiently!(self.begin_with(BEGIN_MIGRATION))
    }

    async fn begin_with(&self, begin: Statement) -> Result<Begun, StoreError> {
        Begun::on(self.connections.get_for(begin).await?, begin).await
    }

    /// The server's time, which all of its processes share, in Unix milliseconds. Asked for again after a few seconds, and counted on meanwhile.
    pub(super) async fn now_ms(&self) -> Result<u64, StoreError> {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = asked.filter(|asked| asked.at.elapsed() < TIME_HOLDS) {
            let since = u64::try_from(asked.at.elapsed().as_millis()).unwrap_or_default();
            return Ok(asked.now_ms.saturating_add(since));
        }
        let at = Instant::now();
        let row = self.fetch_optional(SERVER_TIME, &[]).await?;
        let now_ms = row.ok_or(StoreError::NoRow { statement: SERVER_TIME.name() })?.get("now")?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Asked { at, now_ms });
        Ok(now_ms)
    }

    /// Waits for a lock that is held until it is dropped, or until this process or its connection ends.
    pub(super) async fn lock(&self, key: i32) -> Result<Lock, StoreError> {
        patiently!(self.try_lock(key))
    }

    async fn try_lock(&self, key: i32) -> Result<Lock, StoreError> {
        let connection = self.turns.get_for(LOCK_TURN).await?;
        // Whoever stops waiting drops it, and with it the connection that would get the lock later.
        let mut lock = Lock { connection: Some(connection), key: Value::Int(key.into()) };
        if let Some(connection) = &mut lock.connection {
            connection.execute(LOCK_TURN, std::slice::from_ref(&lock.key)).await?;
        }
        Ok(lock)
    }

    pub(super) fn close(&self) {
        self.turns.close();
        self.connections.close();
    }

    async fn connection(&self, statement: Statement) -> Result<Held, StoreError> {
        patiently!(self.connections.get_for(statement))
    }
}

impl Connections {
    async fn get_for(&self, statement: Statement) -> Result<Held, StoreError> {
        self.get().await.map_err(StoreError::database(statement.name()))
    }
}

/// An advisory lock of a session, held by the connection that took it.
pub(crate) struct Lock {
    connection: Option<Held>,
    key: Value,
}

impl Lock {
    /// Gives it back; a connection that cannot is ended, and the server gives it back.
    pub(crate) async fn release(mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.execute(UNLOCK_TURN, std::slice::from_ref(&self.key)).await.is_err() {
            connection.close();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closed, not given back to the others: the server ends what it held.
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }
}

/// A null of whatever type the server takes it for: the statement says which column it is for.
struct Null;

impl Type<sqlx::Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, sqlx::Postgres> for Null {
    fn encode_by_ref(
        &self,
        _: &mut PgArgumentBuffer,
    ) -> Result<IsNull, Box<dyn std::error::Error + Send + Sync>> {
        Ok(IsNull::Yes)
    }
}

impl Held {
    pub(super) async fn execute(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<u64, StoreError> {
        let failed = StoreError::database(statement.name());
        let done = async { query(statement, values).execute(self.begin()?).await }.await;
        self.done(done).map(|done| done.rows_affected()).map_err(failed)
    }

    pub(super) async fn fetch_optional(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let failed = StoreError::database(statement.name());
        let row = async { query(statement, values).fetch_optional(self.begin()?).await }.await;
        let row = self.done(row).map_err(failed)?;
        row.map(|row| Ok(Row::new(columns(&row), decode(&row, statement)?))).transpose()
    }

    pub(super) async fn fetch_all(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let failed = StoreError::database(statement.name());
        let rows = async { query(statement, values).fetch_all(self.begin()?).await }.await;
        let rows = self.done(rows).map_err(failed)?;
        let Some(names) = rows.first().map(columns) else { return Ok(Vec::new()) };
        rows.iter().map(|row| Ok(Row::new(Arc::clone(&names), decode(row, statement)?))).collect()
    }

    /// Several statements in one text, without values.
    pub(super) async fn run_script(
        &mut self,
        name: &'static str,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        let done = async { sqlx::raw_sql(sql).execute(self.begin()?).await }.await;
        self.done(done).map(drop).map_err(StoreError::database(name))
    }
}

fn query<'q>(statement: Statement, values: &[Value]) -> Query<'q, sqlx::Postgres, PgArguments> {
    values.iter().fold(sqlx::query(statement.sql()), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Null => query.bind(Null),
    })
}

fn columns(row: &PgRow) -> Arc<[String]> {
    row.columns().iter().map(|column| column.name().to_owned()).collect()
}

fn decode(row: &PgRow, statement: Statement) -> Result<Vec<Value>, StoreError> {
    (0..row.len()).map(|at| value(row, at).map_err(StoreError::database(statement.name()))).collect()
}

fn value(row: &PgRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    match raw.type_info().name() {
        "TEXT" => row.try_get(at).map(Value::Text),
        "INT8" => row.try_get(at).map(Value::Int),
        // A number that is written in the statement itself.
        "INT4" => row.try_get::<i32, _>(at).map(|number| Value::Int(number.into())),
        "BYTEA" => row.try_get(at).map(Value::Bytes),
        other => Err(sqlx::Error::Decode(format!("a {other} is none of TEXT, BIGINT, BYTEA").into())),
    }
}
