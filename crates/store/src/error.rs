//! What can go wrong, and whose fault it is.

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
            _ => Self::Database { statement, source: Box::new(source) },
        }
    }

    pub(crate) fn objects(action: &'static str) -> impl FnOnce(opendal::Error) -> Self {
        move |source| Self::Objects { action, source: Box::new(source) }
    }
}
