use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sceau_store::{Database, Migration, StoreError, params, statements};
use tempfile::TempDir;

use crate::ground::Ground;

statements! {
    INSERT = "INSERT INTO thing (id, size, body, note) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT id, size, body, note FROM thing WHERE id = $1";
    LIST = "SELECT id FROM thing ORDER BY id";
    CHILD = "INSERT INTO child (thing) VALUES ($1)";
    COUNT = "SELECT count(*) AS n, max(size) AS largest FROM thing";
    ONE = "SELECT 1 AS n";
    FEW_PAGES = "PRAGMA max_page_count = 64";
    MANY_PAGES = "PRAGMA max_page_count = 100000";
    MODES = "SELECT (SELECT synchronous FROM pragma_synchronous) AS sync, \
        (SELECT journal_mode FROM pragma_journal_mode) AS journal";
}

const TABLES: &[Migration] = &[Migration {
    name: "test/0001-things",
    sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, size BIGINT, body BYTEA, note TEXT);
          CREATE TABLE child (thing TEXT NOT NULL REFERENCES thing (id));",
}];

async fn open(ground: &Ground) -> Database {
    ground.open(TABLES).await.unwrap()
}

on_both!(
    what_goes_in_comes_out_and_survives_reopening,
    conflicts_are_told_apart_and_foreign_keys_hold,
    a_dropped_transaction_leaves_nothing,
    a_database_of_a_newer_program_is_refused_and_left_alone,
    many_writers_wait_for_each_other,
    who_reads_and_then_writes_does_both_alone,
    two_that_start_together_make_the_tables_once,
    one_holds_a_turn_at_a_time,
);

async fn what_goes_in_comes_out_and_survives_reopening(ground: &Ground) {
    let database = open(ground).await;
    let body = vec![0, 255, 10];
    let written = database.execute(INSERT, params!["1", 42_u64, &body, None::<String>]).await.unwrap();
    assert_eq!(written, 1);
    database.close().await;

    let database = open(ground).await;
    let row = database.fetch_one(FIND, params!["1"]).await.unwrap();
    assert_eq!(row.get::<String>("id").unwrap(), "1", "digits in a TEXT column stay text");
    assert_eq!(row.get::<u64>("size").unwrap(), 42);
    assert_eq!(row.get::<Vec<u8>>("body").unwrap(), body);
    assert_eq!(row.get::<Option<String>>("note").unwrap(), None);
    let row_of_nulls = params!["2", None::<u64>, None::<Vec<u8>>, None::<String>];
    database.execute(INSERT, row_of_nulls).await.unwrap();
    let nulls = database.fetch_one(FIND, params!["2"]).await.unwrap();
    assert_eq!(nulls.get::<Option<u64>>("size").unwrap(), None);
    assert_eq!(nulls.get::<Option<Vec<u8>>>("body").unwrap(), None);
    let counted = database.fetch_one(COUNT, params![]).await.unwrap();
    assert_eq!((counted.get::<i64>("n").unwrap(), counted.get::<u64>("largest").unwrap()), (2, 42));
    assert_eq!(database.fetch_one(ONE, params![]).await.unwrap().get::<u64>("n").unwrap(), 1);
    assert!(matches!(row.get::<String>("note"), Err(StoreError::Column { found: "null", .. })));
    assert!(matches!(row.get::<u64>("id"), Err(StoreError::Column { found: "text", .. })));
    assert!(matches!(row.get::<u64>("absent"), Err(StoreError::Column { found: "nothing", .. })));
    assert!(matches!(database.fetch_one(FIND, params!["3"]).await, Err(StoreError::NoRow { .. })));
}

async fn conflicts_are_told_apart_and_foreign_keys_hold(ground: &Ground) {
    let database = open(ground).await;
    let insert = || async { database.execute(INSERT, params!["a", 1_u64, b"x", "n"]).await };
    insert().await.unwrap();
    assert!(matches!(insert().await, Err(StoreError::Conflict { statement: "INSERT" })));
    assert!(matches!(database.execute(CHILD, params!["none"]).await, Err(StoreError::Conflict { .. })));
}

async fn a_dropped_transaction_leaves_nothing(ground: &Ground) {
    let database = open(ground).await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["a", 1_u64, b"x", "n"]).await.unwrap();
    assert_eq!(transaction.fetch_all(LIST, params![]).await.unwrap().len(), 1);
    assert!(database.fetch_all(LIST, params![]).await.unwrap().is_empty(), "not visible before the commit");
    drop(transaction);
    assert!(database.fetch_all(LIST, params![]).await.unwrap().is_empty());

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["b", 1_u64, b"x", "n"]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn readers_of_a_file_cannot_write() {
    let database = open(&Ground::file()).await;
    assert!(database.fetch_optional(INSERT, params!["c", 1_u64, b"x", "n"]).await.is_err());
}

#[tokio::test]
async fn a_full_file_says_so_and_goes_on_once_there_is_room() {
    let database = open(&Ground::file()).await;
    let large = vec![7_u8; 1 << 20];
    let insert = |id: &'static str| {
        let (database, large) = (&database, &large);
        async move { database.execute(INSERT, params![id, 1_u64, large, "n"]).await }
    };
    database.write(FEW_PAGES, params![]).await.unwrap();
    assert!(insert("a").await.unwrap_err().is_full());
    let mut transaction = database.begin().await.unwrap();
    let full = transaction.execute(INSERT, params!["b", 1_u64, &large, "n"]).await.unwrap_err();
    assert!(full.is_full() && !full.is_away(), "{full}");
    drop(transaction);
    assert!(!insert("a").await.unwrap_err().is_away());
    database.write(MANY_PAGES, params![]).await.unwrap();
    insert("a").await.unwrap();
    assert!(!insert("a").await.unwrap_err().is_full(), "a conflict is none");
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_is_private_and_its_log_is_written_ahead() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let database = Database::open(&folder.path().join("db"), TABLES).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    let row = transaction.fetch_one(MODES, params![]).await.unwrap();
    assert_eq!(
        (row.get::<i64>("sync").unwrap(), row.get::<String>("journal").unwrap()),
        (1, "wal".to_owned())
    );
    let mode = std::fs::metadata(folder.path().join("db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

async fn a_database_of_a_newer_program_is_refused_and_left_alone(ground: &Ground) {
    open(ground).await.close().await;
    let error = ground.open(&[]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Schema(words) if words.contains("test/0001-things")), "{error}");

    let broken = [
        TABLES[0],
        Migration { name: "test/0002", sql: "CREATE TABLE u (id TEXT); CREATE TABLE u (id TEXT)" },
    ];
    assert!(matches!(ground.open(&broken).await, Err(StoreError::Schema(_))));
    let mended = [TABLES[0], Migration { name: "test/0002", sql: "CREATE TABLE u (id TEXT)" }];
    ground.open(&mended).await.unwrap();
}

async fn many_writers_wait_for_each_other(ground: &Ground) {
    let database = open(ground).await;
    let writers = (0..50).map(|number| {
        let database = database.clone();
        tokio::spawn(async move {
            let mut transaction = database.begin().await.unwrap();
            transaction.execute(INSERT, params![number.to_string(), 1_u64, b"x", "n"]).await.unwrap();
            transaction.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 50);
}

async fn who_reads_and_then_writes_does_both_alone(ground: &Ground) {
    let databases = [open(ground).await, open(ground).await];
    let writers = (0..40).map(|number: usize| {
        let database = databases[number % 2].clone();
        tokio::spawn(async move {
            let mut transaction = database.begin().await.unwrap();
            let count: u64 = transaction.fetch_one(COUNT, params![]).await.unwrap().get("n").unwrap();
            if count < 7 {
                transaction.execute(INSERT, params![number.to_string(), 1_u64, b"x", "n"]).await.unwrap();
            }
            transaction.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let count = databases[0].fetch_one(COUNT, params![]).await.unwrap();
    assert_eq!(count.get::<u64>("n").unwrap(), 7, "nobody saw six where another had made it seven");
}

async fn two_that_start_together_make_the_tables_once(ground: &Ground) {
    let (left, right) = tokio::join!(ground.open(TABLES), ground.open(TABLES));
    left.unwrap().execute(INSERT, params!["a", 1_u64, b"x", "n"]).await.unwrap();
    assert_eq!(right.unwrap().fetch_all(LIST, params![]).await.unwrap().len(), 1);
}

async fn one_holds_a_turn_at_a_time(ground: &Ground) {
    let database = open(ground).await;
    // What two processes do on a server, two tasks do on a file.
    let other = if database.is_shared() { open(ground).await } else { database.clone() };
    let held = database.turn("dossier 1").await.unwrap();
    drop(other.turn("dossier 2").await.unwrap());
    drop(held);
    let inside = Arc::new(AtomicUsize::new(0));
    let acts = (0..20).map(|number| {
        let (inside, database) = (Arc::clone(&inside), [&database, &other][number % 2].clone());
        tokio::spawn(async move {
            let _turn = database.turn("dossier 1").await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
            database.fetch_all(LIST, params![]).await.unwrap();
            inside.fetch_sub(1, Ordering::SeqCst);
        })
    });
    for act in acts.collect::<Vec<_>>() {
        act.await.unwrap();
    }
    drop(database.turn("dossier 1").await.unwrap());
}
