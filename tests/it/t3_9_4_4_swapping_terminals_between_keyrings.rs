//! Threat 3.9.4.4, swapping terminals between keyrings: whoever writes the database names a terminal in the row of a keyring that it was never bound to. The host may believe its row; nothing
//! is signed, since the element has its own.

use sceau_client::terminal::{Storage, Visitor};
use sceau_store::{Statement, params};
use sceau_tests::keyrings::{Keyrings, refused, said};
use sceau_tests::until;
use serde_json::Value;

const ROW: Statement =
    Statement::new("ROW", "SELECT payload FROM keyring_row WHERE kind = 'keyring' AND id = $1");
const PUT: Statement =
    Statement::new("PUT", "UPDATE keyring_row SET payload = $2 WHERE kind = 'keyring' AND id = $1");

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_the_database_names_signs_for_nobody() {
    let keyrings = Keyrings::start("keyring-terminals");
    let (marie, hers) = keyrings.activated("marie", "Marie Curie");
    let (pierre, his) = keyrings.activated("pierre", "Pierre Curie");
    let database = keyrings.database().await;
    let row = async |id: &str| -> Value {
        let row = database.fetch_optional(ROW, params![id]).await.unwrap();
        let payload: Option<Vec<u8>> = row.map(|row| row.get("payload").unwrap());
        payload.map_or(Value::Null, |payload| serde_json::from_slice(&payload).unwrap())
    };
    let looks = async |what: &str, so: &dyn Fn(&Value, &Value) -> bool| {
        until(what, async || so(&row(&marie.id).await, &row(&pierre.id).await)).await;
    };
    looks("both are listed", &|marie, pierre| marie["phase"] == "active" && pierre["phase"] == "active")
        .await;
    let true_row = row(&marie.id).await;
    let document = keyrings.scratch.write("document", b"x");
    let left = said(&keyrings.leave("sp", &marie.id, &document).success(), "/request");

    let mut altered = true_row.clone();
    altered["terminals"] = row(&pierre.id).await["terminals"].clone();
    let bytes = altered.to_string().into_bytes();
    database.execute(PUT, params![marie.id.as_str(), bytes.as_slice()]).await.unwrap();
    let own = std::fs::read_to_string(his.join("keyring.json")).unwrap();
    std::fs::write(his.join("keyring.json"), own.replace(&pierre.id, &marie.id)).unwrap();
    // It may be told what waits, as who has the database reads it there; it signs nothing of it.
    let (storage, server) = (Storage::at(&his), keyrings.server());
    let told = Visitor::to(&storage, &server).unwrap().waiting().await;
    assert!(told.is_ok() || told.unwrap_err().code() == Some("actor_unknown"));
    let request = keyrings.request("hers", &marie, &document);
    assert_eq!(refused(&keyrings.sign(&his, &request, "pin")), "actor_unknown");
    assert_eq!(said(&keyrings.outcome(&left).success(), "/state"), "pending");
    looks("the row is as it was", &|marie, _| *marie == true_row).await;
    keyrings.sign_waiting(&hers, &left).success();
}
