//! Threat 3.9.4.3, swapping authentication data between keyrings: whoever writes the database gives one keyring the row of another, and whoever has two terminals the secrets of one to the
//! other. A PIN proves itself to its own keyring alone, and the rows are brought back.

use sceau_store::{Database, Statement, params};
use sceau_tests::keyrings::{Keyrings, refused, said};
use sceau_tests::until;

const ROW: Statement =
    Statement::new("ROW", "SELECT payload FROM keyring_row WHERE kind = 'keyring' AND id = $1");
const PUT: Statement =
    Statement::new("PUT", "UPDATE keyring_row SET payload = $2 WHERE kind = 'keyring' AND id = $1");

async fn row(database: &Database, id: &str) -> Vec<u8> {
    let row = database.fetch_optional(ROW, params![id]).await.unwrap();
    row.map(|row| row.get("payload").unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_swapped_let_nobody_sign_for_another() {
    let keyrings = Keyrings::start("keyring-swapped");
    let (marie, hers) = keyrings.activated("marie", "Marie Curie");
    let (pierre, his) = keyrings.activated("pierre", "Pierre Curie");
    let database = keyrings.database().await;
    let is_active = async |id: &str| String::from_utf8_lossy(&row(&database, id).await).contains("active");
    until("both are listed", async || is_active(&marie.id).await && is_active(&pierre.id).await).await;
    let before = (row(&database, &marie.id).await, row(&database, &pierre.id).await);
    assert!(before.0 != before.1);

    // Names and all: the host finds his terminal where hers is named.
    let [of_marie, of_pierre] = [(&before.1, &pierre.id, &marie.id), (&before.0, &marie.id, &pierre.id)].map(
        |(payload, from, to)| {
            String::from_utf8(payload.clone()).unwrap().replace(from.as_str(), to).into_bytes()
        },
    );
    database.execute(PUT, params![marie.id.as_str(), of_marie.as_slice()]).await.unwrap();
    database.execute(PUT, params![pierre.id.as_str(), of_pierre.as_slice()]).await.unwrap();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("hers", &marie, &document);
    let own = std::fs::read_to_string(his.join("keyring.json")).unwrap();
    std::fs::write(his.join("keyring.json"), own.replace(&pierre.id, &marie.id)).unwrap();
    assert_eq!(refused(&keyrings.sign(&his, &request, "pin")), "actor_unknown");
    std::fs::write(his.join("keyring.json"), own).unwrap();
    // What is in the database changes nothing of who signs for whom.
    keyrings.sign(&hers, &request, "pin").success();
    let request = keyrings.request("his", &pierre, &document);
    keyrings.sign(&his, &request, "pin").success();
    until("rows are as they were", async || {
        (row(&database, &marie.id).await, row(&database, &pierre.id).await) == before
    })
    .await;
}

/// The same PIN, the same machine: what opens her key is not in his terminal's secrets.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_one_terminal_open_nothing_of_another() {
    let keyrings = Keyrings::start("keyring-secrets");
    let (marie, hers) = keyrings.activated("marie", "Marie Curie");
    let (_, his) = keyrings.activated("pierre", "Pierre Curie");
    let own = std::fs::read(hers.join("secret.json")).unwrap();
    std::fs::copy(his.join("secret.json"), hers.join("secret.json")).unwrap();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("hers", &marie, &document);
    assert_eq!(refused(&keyrings.sign(&hers, &request, "pin")), "secret_stale");
    std::fs::write(hers.join("secret.json"), own).unwrap();
    let request = keyrings.request("again", &marie, &document);
    keyrings.sign(&hers, &request, "pin").success();
    assert_eq!(said(&keyrings.on(&his, &["state"]).success(), "/standing/phase"), "active");
}

/// The template of one holder's face, at the other's terminal: the element has its hash for its own keyring, and the process opens it there alone.
#[test]
fn a_face_is_of_its_own_keyring() {
    let keyrings = Keyrings::start_with_faces("keyring-faces-swapped");
    let (marie, hers) = keyrings.activated("marie", "Marie Curie");
    let (pierre, his) = keyrings.activated("pierre", "Pierre Curie");
    keyrings.enrol(&hers, 1).success();
    keyrings.enrol(&his, 2).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("hers", &marie, &document);
    let kept = std::fs::read(hers.join("face.template")).unwrap();
    std::fs::copy(his.join("face.template"), hers.join("face.template")).unwrap();
    for person in [1, 2] {
        assert_eq!(refused(&keyrings.sign_as(&hers, &request, person)), "face_invalid");
    }
    std::fs::write(hers.join("face.template"), kept).unwrap();
    keyrings.sign_as(&hers, &request, 1).success();
    let request = keyrings.request("his", &pierre, &document);
    assert_eq!(refused(&keyrings.sign_as(&his, &request, 1)), "face_not_matched");
    keyrings.sign_as(&his, &request, 2).success();
}
