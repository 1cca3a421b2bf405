//! A transaction on a PostgreSQL server.

use tokio::runtime::Handle;

use super::connections::Held;
use crate::{Row, Statement, StoreError, Value};

const COMMIT: Statement = Statement::new("COMMIT", "COMMIT");
const ROLLBACK: Statement = Statement::new("ROLLBACK", "ROLLBACK");

/// A transaction that was begun; rolled back where it is dropped.
pub(super) struct Begun {
    /// None once it ended.
    connection: Option<Held>,
    /// A statement of it failed: the server takes no other, and answers a commit by rolling back.
    failed: bool,
}

impl Begun {
    /// Begins one, by a text of statements.
    pub(super) async fn on(mut connection: Held, begin: Statement) -> Result<Self, StoreError> {
        match connection.run_script(begin.name(), begin.sql()).await {
            Ok(()) => Ok(Self { connection: Some(connection), failed: false }),
            Err(error) => {
                // The first of them may have been done.
                connection.close();
                Err(error)
            }
        }
    }

    pub(super) async fn execute(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<u64, StoreError> {
        let done = self.connection()?.execute(statement, values).await;
        self.noted(done)
    }

    pub(super) async fn fetch_optional(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let row = self.connection()?.fetch_optional(statement, values).await;
        self.noted(row)
    }

    pub(super) async fn fetch_all(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.connection()?.fetch_all(statement, values).await;
        self.noted(rows)
    }

    pub(super) async fn run_script(
        &mut self,
        name: &'static str,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        let done = self.connection()?.run_script(name, sql).await;
        self.noted(done)
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed {
            let source = "a statement of this transaction failed before".into();
            return Err(StoreError::Database { statement: COMMIT.name(), source });
        }
        let done = self.connection()?.run_script(COMMIT.name(), COMMIT.sql()).await;
        self.ended(done)
    }

    pub(super) async fn rollback(mut self) -> Result<(), StoreError> {
        let done = self.connection()?.run_script(ROLLBACK.name(), ROLLBACK.sql()).await;
        self.ended(done)
    }

    fn connection(&mut self) -> Result<&mut Held, StoreError> {
        let ended = || StoreError::Database { statement: "transaction", source: "it has ended".into() };
        self.connection.as_mut().ok_or_else(ended)
    }

    fn noted<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed |= outcome.is_err();
        outcome
    }

    fn ended(&mut self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        if let (Some(connection), Err(_)) = (self.connection.take(), &outcome) {
            // Whatever is still open there ends with it.
            connection.close();
        }
        outcome
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if connection.is_usable() => {
                runtime.spawn(async move {
                    if connection.run_script(ROLLBACK.name(), ROLLBACK.sql()).await.is_err() {
                        connection.close();
                    }
                });
            }
            _ => connection.close(),
        }
    }
}
