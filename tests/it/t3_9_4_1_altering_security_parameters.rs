//! Threat 3.9.4.1, altering security parameters: nobody but the officer publishes a policy, and whoever writes the database of the host of keyrings lists what they like for some seconds, and has nobody believe it: rows are held to what the element attested.

use sceau_store::{Database, Row, Statement, params};
use sceau_tests::keyrings::{Keyrings, PIN, POLICY, refused};
use sceau_tests::until;

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

const ROLL_BACK: Statement = Statement::new(
    "ROLL_BACK",
    "UPDATE keyring_row SET payload = $1, version = $2, log_index = $3 WHERE kind = 'keyring-policy'",
);
const AHEAD: Statement = Statement::new(
    "AHEAD",
    "UPDATE keyring_row SET version = 9, log_index = 9 WHERE kind = 'keyring-policy'",
);
const POLICY_ROW: Statement = Statement::new(
    "POLICY_ROW",
    "SELECT payload, version, log_index FROM keyring_row WHERE kind = 'keyring-policy'",
);

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_is_brought_back() {
    let keyrings = Keyrings::start("keyring-rows");
    keyrings.hand_over("k", "Marie Curie");
    let database = keyrings.database().await;
    let delivered = |row: &(String, String, Vec<u8>)| String::from_utf8_lossy(&row.2).contains("delivered");
    until("all three are listed, as they stay", async || {
        let rows = rows(&database).await;
        rows.len() == 3 && rows.iter().any(delivered)
    })
    .await;
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

/// An older policy of the officer's, with shorter PINs, put back with all that it once had; and a row that is right and says that it is newer than it is, so that nothing later would be kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_policy_that_is_put_back_lowers_nothing() {
    let keyrings = Keyrings::start("keyring-rollback");
    let database = keyrings.database().await;
    let row = async || {
        let row = database.fetch_optional(POLICY_ROW, params![]).await.unwrap()?;
        let [version, index]: [u64; 2] = [row.get("version").unwrap(), row.get("log_index").unwrap()];
        Some((row.get::<Vec<u8>>("payload").unwrap(), version, index))
    };
    until("the first version is listed", async || row().await.is_some()).await;
    let old = row().await.unwrap();
    let first = keyrings.show(&["--policy", POLICY]).run().success().stdout;
    let first = keyrings.scratch.write("first.row", first);
    let stricter = keyrings.scratch.write("stricter.json", keyrings.policy("8").to_string());
    keyrings.act("officer", &["policy"]).arg("--follows").arg(first).arg(stricter).run().success();
    until("the second version is listed", async || row().await.is_some_and(|row| row.1 == 2)).await;
    let new = row().await.unwrap();

    database.execute(ROLL_BACK, params![old.0.as_slice(), old.1, old.2]).await.unwrap();
    // What is made meanwhile follows the second all the same: a PIN of seven digits is none.
    let keyring = keyrings.hand_over("k", "Marie Curie");
    keyrings.scratch.write("pin", "4029173");
    assert_eq!(refused(&keyrings.activate(&keyring, &keyrings.scratch.join("short"))), "pin_not_taken");
    keyrings.scratch.write("pin", PIN);
    keyrings.activate(&keyring, &keyrings.scratch.join("terminal")).success();
    until("the second version is back", async || row().await.as_ref() == Some(&new)).await;
    database.execute(AHEAD, params![]).await.unwrap();
    until("it says which version it is", async || row().await.as_ref() == Some(&new)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_officer_publishes_a_policy_and_none_that_is_too_weak() {
    let keyrings = Keyrings::start("keyring-policies");
    assert_eq!(refused(&keyrings.publish("stranger", &keyrings.policy("7"))), "role_other");
    assert_eq!(refused(&keyrings.publish("ra", &keyrings.policy("7"))), "role_other");
    assert_eq!(refused(&keyrings.publish("officer", &keyrings.policy("5"))), "document_malformed");
}
