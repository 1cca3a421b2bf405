use sceau_store::{Database, Migration, StoreError, params, statements};
use tempfile::TempDir;

statements! {
    INSERT = "INSERT INTO thing (id, size, body, note) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT id, size, body, note FROM thing WHERE id = $1";
    LIST = "SELECT id FROM thing ORDER BY id";
    CHILD = "INSERT INTO child (thing) VALUES ($1)";
    MODES = "SELECT (SELECT synchronous FROM pragma_synchronous) AS sync, \
        (SELECT journal_mode FROM pragma_journal_mode) AS journal";
}

const TABLES: &[Migration] = &[Migration {
    name: "test/0001-things",
    sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, size BIGINT, body BYTEA, note TEXT);
          CREATE TABLE child (thing TEXT NOT NULL REFERENCES thing (id));",
}];

async fn open(folder: &TempDir) -> Database {
    Database::open(&folder.path().join("db"), TABLES).await.unwrap()
}

#[tokio::test]
async fn what_goes_in_comes_out_and_survives_reopening() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let body = vec![0, 255, 10];
    let written = database.execute(INSERT, params!["1", 42_u64, &body, None::<String>]).await.unwrap();
    assert_eq!(written, 1);
    database.close().await;

    let database = open(&folder).await;
    let row = database.fetch_one(FIND, params!["1"]).await.unwrap();
    assert_eq!(row.get::<String>("id").unwrap(), "1", "digits in a TEXT column stay text");
    assert_eq!(row.get::<u64>("size").unwrap(), 42);
    assert_eq!(row.get::<Vec<u8>>("body").unwrap(), body);
    assert_eq!(row.get::<Option<String>>("note").unwrap(), None);
    assert!(matches!(row.get::<String>("note"), Err(StoreError::Column { found: "null", .. })));
    assert!(matches!(row.get::<u64>("id"), Err(StoreError::Column { found: "text", .. })));
    assert!(matches!(row.get::<u64>("absent"), Err(StoreError::Column { found: "nothing", .. })));
    assert!(matches!(database.fetch_one(FIND, params!["2"]).await, Err(StoreError::NoRow { .. })));
}

#[tokio::test]
async fn conflicts_are_told_apart_and_foreign_keys_hold() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let insert = || async { database.execute(INSERT, params!["a", 1_u64, b"x", "n"]).await };
    insert().await.unwrap();
    assert!(matches!(insert().await, Err(StoreError::Conflict { statement: "INSERT" })));
    assert!(matches!(database.execute(CHILD, params!["none"]).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_readers_cannot_write() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
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
    assert!(database.fetch_optional(INSERT, params!["c", 1_u64, b"x", "n"]).await.is_err());
}

#[tokio::test]
async fn commits_are_synchronous_and_the_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut transaction = database.begin().await.unwrap();
    let row = transaction.fetch_one(MODES, params![]).await.unwrap();
    assert_eq!(
        (row.get::<i64>("sync").unwrap(), row.get::<String>("journal").unwrap()),
        (2, "wal".to_owned())
    );
    let mode = std::fs::metadata(folder.path().join("db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    open(&folder).await.close().await;
    let error = Database::open(&folder.path().join("db"), &[]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Schema(words) if words.contains("test/0001-things")), "{error}");

    let broken = [
        TABLES[0],
        Migration { name: "test/0002", sql: "CREATE TABLE u (id TEXT); CREATE TABLE u (id TEXT)" },
    ];
    assert!(matches!(Database::open(&folder.path().join("db"), &broken).await, Err(StoreError::Schema(_))));
    let mended = [TABLES[0], Migration { name: "test/0002", sql: "CREATE TABLE u (id TEXT)" }];
    Database::open(&folder.path().join("db"), &mended).await.unwrap();
}

#[tokio::test]
async fn many_writers_wait_for_each_other() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
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
