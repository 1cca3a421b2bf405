use std::time::Duration;

use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Migration, Postgres, StoreError, params, statements};

statements! {
    INSERT = "INSERT INTO thing (id) VALUES ($1)";
    LIST = "SELECT id FROM thing ORDER BY id";
    SLOW = "SELECT CAST(1 AS BIGINT) AS n FROM pg_sleep(60)";
    END_OTHERS = "SELECT CAST(pid AS BIGINT) AS pid FROM pg_stat_activity \
        WHERE application_name = 'sceau' AND CASE WHEN pid <> pg_backend_pid() THEN pg_terminate_backend(pid) ELSE FALSE END";
    WAITING = "SELECT CAST(pid AS BIGINT) AS pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
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
    let write = async |id: &str| database.execute(INSERT, params![id]).await;
    three_are_open(&database).await;
    // The server ends all but the one that says so, which is kept busy: whoever comes meanwhile gets one that was ended.
    assert_eq!(database.fetch_all(END_OTHERS, params![]).await.unwrap().len(), 2);
    let busy = database.begin().await.unwrap();
    // Of the first write nobody knows whether it was done (on a machine so slow that the connection lay idle meanwhile, it is). The next
    // one does not come to this: it finds a connection that lives.
    let first = write("first").await;
    assert!(matches!(first, Ok(1) | Err(StoreError::Away { .. })), "{first:?}");
    assert_eq!(write("kept").await.unwrap(), 1);
    busy.rollback().await.unwrap();
}

/// Makes it open three connections, each just now, and have all of them back.
async fn three_are_open(database: &Database) {
    let mut first = database.begin().await.unwrap();
    let second = tokio::spawn({
        let database = database.clone();
        async move { database.begin().await.unwrap().rollback().await.unwrap() }
    });
    while first.fetch_all(WAITING, params![]).await.unwrap().is_empty() {}
    database.fetch_all(LIST, params![]).await.unwrap();
    first.rollback().await.unwrap();
    second.await.unwrap();
}
