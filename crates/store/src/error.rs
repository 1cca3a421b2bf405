//! What can go wrong, and whose fault it is.

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or failed; the statement's name says which.
    #[error("the database failed at {statement}: {source}")]
    Database {
        /// Name of the statement, never its values.
        statement: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database server does not answer, is restarting, or has no time for this. Asking again may help.
    #[error("the database server does not answer ({statement}): {source}")]
    Away {
        /// Name of the statement, never its values.
        statement: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address of a database server cannot be used.
    #[error("the address of the database cannot be used: {0}")]
    Address(String),
    /// The settings of an object store or of a mail server cannot be used.
    #[error("{0}")]
    Settings(String),
    /// The object store gave back something else than it was given.
    #[error("the object store gave back something else than was written")]
    Altered,
    /// A unique or foreign key said no: the caller's data conflict with what is there.
    #[error("{statement} conflicts with a row that exists")]
    Conflict {
        /// Name of the statement.
        statement: &'static str,
    },
    /// A row was asked for and is not there.
    #[error("{statement} found no row")]
    NoRow {
        /// Name of the statement.
        statement: &'static str,
    },
    /// A column is missing, null or of another type than the code expects.
    #[error("column {column} holds {found}, expected {expected}")]
    Column {
        /// Name of the column.
        column: String,
        /// What the code wanted.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The database's schema and this program do not belong together.
    #[error("{0}")]
    Schema(String),
    /// A file or folder could not be read or written.
    #[error("{action}: {source}")]
    Io {
        /// What was being done.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The object store failed.
    #[error("the object store failed to {action}: {source}")]
    Objects {
        /// What was being done.
        action: &'static str,
        /// Its error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A mail cannot be written as asked: an address or a subject is not acceptable.
    #[error("this mail cannot be written: {0}")]
    Mail(String),
    /// A name given by a caller is not one that this store hands out.
    #[error("not an object name")]
    ObjectName,
    /// The system's random generator failed.
    #[error("no random numbers")]
    Random,
    /// A payload could not be put in or taken out of its JSON form.
    #[error("payload: {0}")]
    Payload(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether the database server is away, or has no time now: the same again may go well.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether a disk is full, or a quota used up: ours, or that of the database's server.
    pub fn is_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            let sql = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
            if matches!(io, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
                || sql.and_then(|error| error.code()).is_some_and(|code| code == FULL)
                || error.downcast_ref().and_then(rusqlite::Error::sqlite_error_code)
                    == Some(ErrorCode::DiskFull)
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether the server ended a statement because two waited for each other: nothing of it was done.
    pub(crate) fn is_deadlock(&self) -> bool {
        let Self::Away { source, .. } = self else { return false };
        let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
        error.and_then(|error| error.code()).is_some_and(|code| code == DEADLOCK)
    }

    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn database(statement: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match &source {
            sqlx::Error::Database(error)
                if error.is_unique_violation() || error.is_foreign_key_violation() =>
            {
                Self::Conflict { statement }
            }
            sqlx::Error::RowNotFound => Self::NoRow { statement },
            error if away(error) => Self::Away { statement, source: Box::new(source) },
            _ => Self::Database { statement, source: Box::new(source) },
        }
    }

    /// What the file of a database says.
    pub(crate) fn file(statement: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error() {
            Some(error)
                if [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_FOREIGNKEY]
                    .contains(&error.extended_code) =>
            {
                Self::Conflict { statement }
            }
            Some(error) if error.code == ErrorCode::DatabaseBusy => {
                Self::Away { statement, source: Box::new(source) }
            }
            _ => Self::Database { statement, source: Box::new(source) },
        }
    }

    /// A thread of its own ended without an answer.
    pub(crate) fn stopped(statement: &'static str) -> impl FnOnce(tokio::task::JoinError) -> Self {
        move |source| Self::Database { statement, source: Box::new(source) }
    }

    pub(crate) fn objects(action: &'static str) -> impl FnOnce(opendal::Error) -> Self {
        move |source| Self::Objects { action, source: Box::new(source) }
    }
}

const DEADLOCK: &str = "40P01";
/// disk_full (PostgreSQL's appendix A).
const FULL: &str = "53100";

/// A connection that was lost or could not be had, and what PostgreSQL says of itself when it has no time (appendix A of its manual).
pub(crate) fn away(error: &sqlx::Error) -> bool {
    match error {
        // What TLS refuses (a certificate that is not the server's) gets no better by waiting.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => false,
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions; shutting down, crashed, starting; too many connections; out of disk or memory; a lock that did not come,
            // a statement or a transaction that lasted too long.
            code.starts_with("08")
                || code.starts_with("53")
                || ["57P01", "57P02", "57P03", "57P05", "55P03", "57014", "25P03", "40001", DEADLOCK]
                    .contains(&code.as_ref())
        }),
        _ => false,
    }
}
