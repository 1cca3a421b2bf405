use std::time::Duration;

use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Migration, Postgres, params, statements};

statements! {
    INSERT = "INSERT INTO thing (id) VALUES ($1)";
    LIST = "SELECT id FROM thing ORDER BY id";
    SLOW = "SELECT CAST(1 AS BIGINT) AS n FROM pg_sleep(60)";
    END_OTHERS = "SELECT CAST(pid AS BIGINT) AS pid FROM pg_stat_activity \
        WHERE application_name = 'sceau' AND CASE WHEN pid <> pg_backend_pid() THEN pg_terminate_backend(pid) ELSE FALSE END";
    BACKEND = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY)" }];

/// A database with so many connections.
async fn open(judge: &PostgresJudge, connections: u32) -> Database {
    let address = judge.database().unwrap().parse().unwrap();
    Database::connect(&Postgres { connections, ..Postgres::at(address) }, TABLES).await.unwrap()
}

async fn backend(database: &Database) -> u64 {
    database.fetch_one(BACKEND, params![]).await.unwrap().get("pid").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_one_after_the_other() {
    let judge = PostgresJudge::start().unwrap();
    let database = open(&judge, 4).await;
    let first = backend(&database).await;
    for id in ["a", "b", "c"] {
        let mut transaction = database.begin().await.unwrap();
        transaction.execute(INSERT, params![id]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(backend(&database).await, first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_leaves_nobody_an_answer_of_his() {
    let judge = PostgresJudge::start().unwrap();
    let database = open(&judge, 1).await;
    let first = backend(&database).await;
    let waited = tokio::time::timeout(Duration::from_millis(200), database.fetch_all(SLOW, params![])).await;
    assert!(waited.is_err());
    // There is one connection only: the next would have got the answer of the slow statement, or waited for it.
    assert_ne!(backend(&database).await, first);

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["never committed"]).await.unwrap();
    let waited =
        tokio::time::timeout(Duration::from_millis(200), transaction.fetch_all(SLOW, params![])).await;
    assert!(waited.is_err());
    drop(transaction);
    assert!(database.fetch_all(LIST, params![]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_lets_the_next_writer_in_and_keeps_its_connection() {
    let judge = PostgresJudge::start().unwrap();
    let database = open(&judge, 1).await;
    let first = backend(&database).await;
    let mut dropped = database.begin().await.unwrap();
    dropped.execute(INSERT, params!["never committed"]).await.unwrap();
    drop(dropped);
    let mut next = database.begin().await.unwrap();
    next.execute(INSERT, params!["kept"]).await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 1);
    assert_eq!(backend(&database).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_part_is_not_said_to_be_kept() {
    let judge = PostgresJudge::start().unwrap();
    let database = open(&judge, 1).await;
    database.execute(INSERT, params!["there"]).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["new"]).await.unwrap();
    transaction.execute(INSERT, params!["there"]).await.unwrap_err();
    // The server would answer this commit by rolling back, and call it done.
    transaction.commit().await.unwrap_err();
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_connection_was_lost_no_other_is_trusted_blindly() {
    let judge = PostgresJudge::start().unwrap();
    let database = open(&judge, 4).await;
    let read = async || database.fetch_all(LIST, params![]).await;
    let write = async |id: &str| database.execute(INSERT, params![id]).await;
    // Four that are open, and were used just now; then three that the server ended.
    let (one, two, three, four) = tokio::join!(database.begin(), read(), read(), read());
    one.unwrap().rollback().await.unwrap();
    drop([two, three, four].map(Result::unwrap));
    assert_eq!(database.fetch_all(END_OTHERS, params![]).await.unwrap().len(), 3);
    // One of these reads is told so, and is begun again by itself; writes, whose outcome would be unknown, then find connections that live.
    let (one, two) = tokio::join!(read(), read());
    drop([one, two].map(Result::unwrap));
    let (one, two, three) = tokio::join!(write("a"), write("b"), write("c"));
    assert_eq!([one, two, three].map(Result::unwrap), [1, 1, 1]);
}
