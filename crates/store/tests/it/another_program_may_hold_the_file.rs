//! A file that another program holds for a moment, as a backup does: who would write waits, and nobody is told of it.

use std::path::Path;

use futures::FutureExt as _;
use rusqlite::Connection;
use sceau_store::{Database, Migration, params, statements};

statements! {
    INSERT = "INSERT INTO thing (id) VALUES ($1)";
    RETURN = "INSERT INTO thing (id) VALUES ($1) RETURNING id";
    LIST = "SELECT id FROM thing ORDER BY id";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY)" }];

/// Holds the file as its writer until it is dropped.
fn held(path: &Path) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn who_would_write_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let database = Database::open(&path, TABLES).await.unwrap();

    let other = held(&path);
    let (a, b) = (params!["a"], params!["b"]);
    let mut writes = Box::pin(database.execute(INSERT, a));
    assert!((&mut writes).now_or_never().is_none(), "it waits");
    drop(other);
    assert_eq!(writes.await.unwrap(), 1);

    let other = held(&path);
    let mut writes = Box::pin(database.write(RETURN, b));
    assert!((&mut writes).now_or_never().is_none(), "it waits");
    drop(other);
    assert_eq!(writes.await.unwrap()[0].get::<String>("id").unwrap(), "b");

    let other = held(&path);
    let mut begins = Box::pin(database.begin());
    assert!((&mut begins).now_or_never().is_none(), "it waits");
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 2, "who reads does not");
    drop(other);
    let mut transaction = begins.await.unwrap();
    transaction.execute(INSERT, params!["c"]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 3);
}

/// A new file has no log yet: of programs that switch it to one at once, SQLite refuses all but one, and does not wait.
#[tokio::test(flavor = "multi_thread")]
async fn many_open_a_new_file_at_once() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let opened =
            futures::future::join_all((0..4).map(|_| Database::open_beside_another(&path, TABLES))).await;
        for database in opened {
            database.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
    }
}
