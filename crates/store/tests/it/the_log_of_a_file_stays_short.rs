//! What is committed is copied from the write-ahead log into the database while others go on committing: the log does not hold everything until the
//! process ends.

use sceau_store::{Database, Migration, params, statements};

statements! {
    INSERT = "INSERT INTO thing (body) VALUES ($1)";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (body BYTEA NOT NULL)" }];
const COMMITS: usize = 3_000;
const BODY: usize = 8_000;
/// Much more than an empty database, and less than what is committed between two copies.
const COPIED: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn it_is_copied_while_others_commit() {
    // In memory, where the machine has that: what is looked at is not its disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let database = Database::open(&folder.path().join("db"), TABLES).await.unwrap();
    let copied = || std::fs::metadata(folder.path().join("db")).unwrap().len();
    let mut commits = 0;
    while copied() < COPIED {
        assert!(commits < COMMITS, "nothing of {commits} commits was copied");
        database.execute(INSERT, params![vec![7_u8; BODY]]).await.unwrap();
        commits += 1;
    }
    database.close().await;
    assert!(!folder.path().join("db-wal").exists(), "closing takes up the rest");
}
