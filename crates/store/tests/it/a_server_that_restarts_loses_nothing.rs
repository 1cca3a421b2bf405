use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Migration, Postgres, StoreError, params, statements};

statements! {
    INSERT = "INSERT INTO thing (id) VALUES ($1)";
    LIST = "SELECT id FROM thing ORDER BY id";
}

const TABLES: &[Migration] =
    &[Migration { name: "test/0001-things", sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY)" }];

async fn open(url: &str) -> Result<Database, StoreError> {
    Database::connect(&Postgres::at(url.parse().unwrap()), TABLES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_what_was_acknowledged_is_there_and_the_next_request_goes_well() {
    let mut judge = PostgresJudge::start().unwrap();
    let database = open(&judge.database().unwrap()).await.unwrap();
    database.execute(INSERT, params!["kept"]).await.unwrap();
    let mut open_one = database.begin().await.unwrap();
    open_one.execute(INSERT, params!["never committed"]).await.unwrap();
    judge.crash().unwrap();
    let error = open_one.commit().await.unwrap_err();
    assert!(error.is_away(), "{error}");

    // Who asks while it is away waits, and is answered when it is back.
    let reading = tokio::spawn({
        let database = database.clone();
        async move { database.fetch_all(LIST, params![]).await }
    });
    judge.go_on().unwrap();
    let rows = reading.await.unwrap().unwrap();
    assert_eq!(rows.len(), 1);
    database.execute(INSERT, params!["after"]).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(INSERT, params!["and after"]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.fetch_all(LIST, params![]).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_ends_with_its_process_and_a_server_that_is_away_is_said() {
    let mut judge = PostgresJudge::start().unwrap();
    let url = judge.database().unwrap();
    let (dying, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let _held = dying.turn("dossier").await.unwrap();
    // As when a process is killed: its connections are closed, nothing is given back.
    judge.command("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'").unwrap();
    drop(other.turn("dossier").await.unwrap());

    judge.stop().unwrap();
    let error = other.fetch_all(LIST, params![]).await.unwrap_err();
    assert!(error.is_away() && error.to_string().contains("does not answer"), "{error}");
    judge.go_on().unwrap();
    assert!(other.fetch_all(LIST, params![]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_keep_what_it_acknowledges_is_refused() {
    let judge = PostgresJudge::start().unwrap();
    let url = judge.database().unwrap();
    judge.command("ALTER SYSTEM SET fsync = off").unwrap();
    judge.command("ALTER SYSTEM SET synchronous_commit = off").unwrap();
    judge.command("SELECT pg_reload_conf()").unwrap();
    // The reload is a signal: the server takes it when it next looks.
    let error = loop {
        match open(&url).await {
            Ok(database) => database.close().await,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("fsync"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_network_the_certificate_must_be_the_servers_own_and_the_password_stays_unsaid() {
    let mut judge = PostgresJudge::start().unwrap();
    judge.command("CREATE DATABASE trial").unwrap();
    judge.listen_encrypted("a password for one test").unwrap();
    let port = judge.port().unwrap();
    let to = |host: &str, password: &str, ca_file: Option<std::path::PathBuf>| Postgres {
        password: Some(password.to_owned().into()),
        ca_file,
        ..Postgres::at(format!("postgresql://judge@{host}:{port}/trial").parse().unwrap())
    };
    let good = to("localhost", "a password for one test", Some(judge.authority()));
    let database = Database::connect(&good, TABLES).await.unwrap();
    database.execute(INSERT, params!["encrypted"]).await.unwrap();
    assert!(!format!("{good:?}").contains("one test"));

    let wrong = [
        (to("localhost", "a password for one test", None), "certificate"),
        (to("127.0.0.1", "a password for one test", Some(judge.authority())), "certificate"),
        (to("localhost", "another password", Some(judge.authority())), "password authentication failed"),
    ];
    for (postgres, why) in wrong {
        let error = Database::connect(&postgres, TABLES).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("another password") && !error.contains("one test"), "{error}");
    }
}
