//! Whoever writes the database of the host of keyrings lists what they like for some seconds, and has nobody believe it: rows are held to what the element attested.

use std::time::Duration;

use sceau_store::{Database, Row, Statement, params};
use sceau_tests::keyrings::Keyrings;

const ROWS: Statement = Statement::new("ROWS", "SELECT kind, id, payload FROM keyring_row ORDER BY kind, id");
const EDIT: Statement =
    Statement::new("EDIT", "UPDATE keyring_row SET payload = $1, version = 9 WHERE kind = 'keyring-policy'");
const DELETE: Statement = Statement::new("DELETE", "DELETE FROM keyring_row WHERE id = $1");
const INVENT: Statement = Statement::new(
    "INVENT",
    "INSERT INTO keyring_row (kind, id, number, organisation, policy, state, time, version, log_index, payload) \
     SELECT kind, '9a1d7c52-0b0e-4c0f-8a52-51b8f0f1cfff', number, organisation, policy, state, time, version, log_index, payload \
     FROM keyring_row WHERE kind = 'keyring'",
);
const USURP: Statement = Statement::new("USURP", "UPDATE keyring_actor SET thumbprint = $1");

const USURPED: Statement =
    Statement::new("USURPED", "SELECT count(*) AS n FROM keyring_actor WHERE thumbprint = $1");

type Seen = Vec<(String, String, Vec<u8>)>;

async fn rows(database: &Database) -> Seen {
    let read =
        |row: Row| (row.get("kind").unwrap(), row.get("id").unwrap(), row.get::<Vec<u8>>("payload").unwrap());
    database.fetch_all(ROWS, params![]).await.unwrap().into_iter().map(read).collect()
}

/// Looks until it is so.
async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let looks = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), looks).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_is_brought_back() {
    let keyrings = Keyrings::start("keyring-rows");
    keyrings.hand_over("k", "Marie Curie");
    let migrations = [
        sceau_store::MIGRATIONS,
        sceau_accounts::MIGRATIONS,
        sceau_dossiers::MIGRATIONS,
        sceau_protect::MIGRATIONS,
        sceau_keyrings::MIGRATIONS,
    ]
    .concat();
    let file = keyrings.scratch.join("platform").join("records.db");
    let database = Database::open_beside_another(&file, &migrations).await.unwrap();
    until("all three are listed", async || rows(&database).await.len() == 3).await;
    let attested = rows(&database).await;
    assert!(attested.iter().all(|(_, _, payload)| !String::from_utf8_lossy(payload).contains("Curie")));

    database.execute(INVENT, params![]).await.unwrap();
    database.execute(DELETE, params![attested[1].1.as_str()]).await.unwrap();
    database.execute(EDIT, params![b"{}".as_slice()]).await.unwrap();
    database.execute(USURP, params![[7; 32].as_slice()]).await.unwrap();
    until("rows are as they were", async || rows(&database).await == attested).await;
    until("who acts is who was registered", async || {
        let usurped = database.fetch_one(USURPED, params![[7; 32].as_slice()]).await.unwrap();
        usurped.get::<u64>("n").unwrap() == 0
    })
    .await;
}
