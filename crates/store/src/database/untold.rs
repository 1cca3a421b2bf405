//! A file whose log cannot be synced: what was committed may be lost with the machine's power, so nobody is told of it, neither who wrote nor who
//! reads after him.
#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::future::Future;
use std::io::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::durable::{Durable, Unsynced};
use super::sqlite::File;
use crate::{Statement, StoreError, params};

const TABLE: Statement = Statement::new("TABLE", "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY)");
const INSERT: Statement = Statement::new("INSERT", "INSERT INTO thing (id) VALUES ($1)");
const RETURN: Statement = Statement::new("RETURN", "INSERT INTO thing (id) VALUES ($1) RETURNING id");
const LIST: Statement = Statement::new("LIST", "SELECT id FROM thing ORDER BY id");

async fn is_untold<T: std::fmt::Debug>(what: &str, asked: impl Future<Output = Result<T, StoreError>>) {
    let told = asked.await;
    assert!(
        matches!(&told, Err(StoreError::Io { action, .. }) if action.contains("durable")),
        "{what}: {told:?}"
    );
}

/// A file with one row, whose disk fails from now on.
async fn failing() -> (tempfile::TempDir, File) {
    let folder = tempfile::tempdir().unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&fails);
    let disk = move || {
        if told.load(Ordering::SeqCst) {
            Err(Unsynced::Lost(Error::other("the disk is gone")))
        } else {
            Ok(())
        }
    };
    let file = File::with(&folder.path().join("db"), Durable::by(disk), "normal").await.unwrap();
    file.execute(TABLE, params![]).await.unwrap();
    file.execute(INSERT, params!["first"]).await.unwrap();
    fails.store(true, Ordering::SeqCst);
    (folder, file)
}

#[tokio::test]
async fn to_nobody_who_writes() {
    let (_folder, file) = failing().await;
    is_untold("a statement", file.execute(INSERT, params!["a"])).await;
    let (_folder, file) = failing().await;
    is_untold("a statement that returns", file.write(RETURN, params!["a"])).await;
    let (_folder, file) = failing().await;
    let mut transaction = file.begin().await.unwrap();
    transaction.execute(INSERT, params!["a"]).unwrap();
    is_untold("a transaction", transaction.commit()).await;
}

#[tokio::test]
async fn to_nobody_who_reads_afterwards() {
    let (_folder, file) = failing().await;
    assert_eq!(file.fetch_all(LIST, params![]).await.unwrap().len(), 1, "that was synced before");
    is_untold("a statement", file.execute(INSERT, params!["a"])).await;
    is_untold("a row", file.fetch_optional(LIST, params![])).await;
    is_untold("a list", file.fetch_all(LIST, params![])).await;
    is_untold("a later statement", file.execute(INSERT, params!["b"])).await;
}
