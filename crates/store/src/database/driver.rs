//! What is the same with either driver: a statement is run, its rows are read by what their values are.

use std::sync::Arc;

use sqlx::query::Query;
use sqlx::{Column as _, Executor, IntoArguments, Row as _};

use crate::{Row, Statement, StoreError, Value};

/// A driver, and what is its own: how it takes values and gives them.
pub(super) trait Driver: sqlx::Database<Arguments: IntoArguments<Self>, Row: Send> {
    /// The statement with its values.
    fn query<'q>(statement: Statement, values: &[Value]) -> Query<'q, Self, Self::Arguments>;

    /// How many rows it touched.
    fn touched(done: &Self::QueryResult) -> u64;

    /// The value of a column.
    fn value(row: &Self::Row, at: usize) -> Result<Value, sqlx::Error>;
}

pub(super) async fn execute<'c, D: Driver>(
    executor: impl Executor<'c, Database = D>,
    statement: Statement,
    values: &[Value],
) -> Result<u64, StoreError> {
    let done = D::query(statement, values).execute(executor).await;
    done.map(|done| D::touched(&done)).map_err(StoreError::database(statement.name()))
}

pub(super) async fn fetch_optional<'c, D: Driver>(
    executor: impl Executor<'c, Database = D>,
    statement: Statement,
    values: &[Value],
) -> Result<Option<Row>, StoreError> {
    let row = D::query(statement, values).fetch_optional(executor).await;
    let row = row.map_err(StoreError::database(statement.name()))?;
    row.map(|row| Ok(Row::new(columns::<D>(&row), decode::<D>(&row, statement)?))).transpose()
}

pub(super) async fn fetch_all<'c, D: Driver>(
    executor: impl Executor<'c, Database = D>,
    statement: Statement,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let rows = D::query(statement, values).fetch_all(executor).await;
    let rows = rows.map_err(StoreError::database(statement.name()))?;
    let Some(names) = rows.first().map(columns::<D>) else { return Ok(Vec::new()) };
    rows.iter().map(|row| Ok(Row::new(Arc::clone(&names), decode::<D>(row, statement)?))).collect()
}

fn columns<D: Driver>(row: &D::Row) -> Arc<[String]> {
    row.columns().iter().map(|column| column.name().to_owned()).collect()
}

fn decode<D: Driver>(row: &D::Row, statement: Statement) -> Result<Vec<Value>, StoreError> {
    (0..row.len()).map(|at| D::value(row, at).map_err(StoreError::database(statement.name()))).collect()
}

/// A type that no portable statement has.
pub(super) fn unknown(name: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a {name} is none of TEXT, BIGINT, BYTEA").into())
}
