//! A file whose log cannot be synced: what was committed may be lost with the machine's power, so nobody is told of it, neither who wrote nor who
//! reads after him.

use std::future::Future;
use std::path::Path;

use sceau_store::{Database, Migration, StoreError, params, statements};

statements! {
    INSERT = "INSERT INTO thing (id) VALUES ($1)";
    RETURN = "INSERT INTO thing (id) VALUES ($1) RETURNING id";
    LIST = "SELECT id FROM thing ORDER BY id";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY)" }];

/// SQLite goes on with the log that it has open; whoever opens it to sync it finds a loop of links.
fn unsyncable(log: &Path) {
    std::fs::remove_file(log).unwrap();
    std::os::unix::fs::symlink(log, log).unwrap();
}

async fn is_untold<T: std::fmt::Debug>(what: &str, asked: impl Future<Output = Result<T, StoreError>>) {
    let told = asked.await;
    assert!(
        matches!(&told, Err(StoreError::Io { action, .. }) if action.contains("durable")),
        "{what}: {told:?}"
    );
}

async fn untold() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("db"), TABLES).await.unwrap();
    database.execute(INSERT, params!["first"]).await.unwrap();
    unsyncable(&folder.path().join("db-wal"));
    (folder, database)
}

#[tokio::test]
async fn to_nobody_who_writes() {
    let (_folder, database) = untold().await;
    is_untold("a statement", database.execute(INSERT, params!["a"])).await;
    let (_folder, database) = untold().await;
    is_untold("a statement that returns", database.write(RETURN, params!["a"])).await;
    let (_folder, database) = untold().await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["a"]).await.unwrap();
    is_untold("a transaction", transaction.commit()).await;
}

#[tokio::test]
async fn to_nobody_who_reads_afterwards() {
    let (_folder, database) = untold().await;
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 1, "that was synced before");
    is_untold("a statement", database.execute(INSERT, params!["a"])).await;
    is_untold("a row", database.fetch_optional(LIST, params![])).await;
    is_untold("a list", database.fetch_all(LIST, params![])).await;
    is_untold("a later statement", database.execute(INSERT, params!["b"])).await;
}
