//! What is committed is copied from the write-ahead log into the database however long nobody pauses: the log does not fill the disk.

use sceau_store::{Database, Migration, params, statements};

statements! {
    INSERT = "INSERT INTO thing (body) VALUES ($1)";
    ANY = "SELECT count(*) AS n FROM schema_migration";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (body BYTEA NOT NULL)" }];
const WRITERS: u64 = 4;
const COMMITS: u64 = 1_500;
const BODY: usize = 8_000;
/// A third of what the bodies take.
const MOST: u64 = WRITERS * COMMITS * BODY as u64 / 3;

#[tokio::test(flavor = "multi_thread")]
async fn while_many_write_and_others_read_without_a_pause() {
    // In memory, where the machine has that: what is looked at is not its disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let database = Database::open(&folder.path().join("db"), TABLES).await.unwrap();
    let log = folder.path().join("db-wal");
    let writer = async || {
        let mut longest = 0;
        for _ in 0..COMMITS {
            database.execute(INSERT, params![vec![7_u8; BODY]]).await.unwrap();
            longest = longest.max(std::fs::metadata(&log).unwrap().len());
        }
        longest
    };
    let writing = futures::future::join_all((0..WRITERS).map(|_| writer()));
    let reading = async {
        loop {
            database.fetch_one(ANY, params![]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let longest = tokio::select! {
        longest = writing => longest.into_iter().max().unwrap(),
        () = reading => unreachable!("it reads for ever"),
    };
    assert!(longest < MOST, "the log grew to {longest} bytes");
    database.close().await;
    assert!(!log.exists(), "closing takes up the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_few_commits_write_much() {
    const LARGE: usize = 4 << 20;
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let database = Database::open(&folder.path().join("db"), TABLES).await.unwrap();
    let log = folder.path().join("db-wal");
    for nth in 0..64 {
        database.execute(INSERT, params![vec![nth; LARGE]]).await.unwrap();
        let length = std::fs::metadata(&log).unwrap().len();
        // What was long before the copy, and what comes until it is looked at.
        assert!(length < (64 << 20) + 17 * LARGE as u64, "after {nth} commits the log has {length} bytes");
    }
    database.close().await;
}
