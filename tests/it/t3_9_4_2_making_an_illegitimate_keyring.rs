//! Threat 3.9.4.2, making an illegitimate keyring: nobody but a registered authority has one made; a row that somebody wrote into the database is asked for nothing, is activated by nobody, and
//! goes.

use sceau_store::{Statement, params};
use sceau_tests::keyrings::{Keyrings, refused};
use sceau_tests::until;

const INVENTED: &str = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1cfff";
const MINE: Statement =
    Statement::new("MINE", "SELECT payload FROM keyring_row WHERE kind = 'keyring' AND id = $1");
const INVENT: Statement = Statement::new(
    "INVENT",
    "INSERT INTO keyring_row (kind, id, number, organisation, policy, state, time, version, log_index, payload) \
     SELECT kind, $1, number, organisation, policy, state, time, version, log_index, $2 FROM keyring_row WHERE kind = 'keyring' AND id = $3",
);

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_the_database_invented_is_none() {
    let keyrings = Keyrings::start("keyring-invented");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let database = keyrings.database().await;
    let listed = async |id: &str| {
        let row = database.fetch_optional(MINE, params![id]).await.unwrap();
        row.map(|row| String::from_utf8(row.get::<Vec<u8>>("payload").unwrap()).unwrap())
    };
    let document = keyrings.scratch.write("document", b"x");
    // Listed as active: the host believes its rows as long as it looks at nothing else.
    until("it is listed", async || listed(&keyring.id).await.is_some_and(|row| row.contains("active"))).await;
    let payload = listed(&keyring.id).await.unwrap().replace(&keyring.id, INVENTED);
    database.execute(INVENT, params![INVENTED, payload.as_bytes(), keyring.id.as_str()]).await.unwrap();
    // With a terminal that names it, somebody's own, there is nothing behind it.
    let request = keyrings.request("one", &keyring, &document);
    let own = std::fs::read_to_string(folder.join("keyring.json")).unwrap();
    std::fs::write(folder.join("keyring.json"), own.replace(&keyring.id, INVENTED)).unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "request_invalid");
    assert_eq!(refused(&keyrings.on(&folder, &["state"])), "actor_unknown");
    std::fs::write(folder.join("keyring.json"), own).unwrap();
    keyrings.sign(&folder, &request, "pin").success();
    until("it is named, and dropped", async || listed(INVENTED).await.is_none()).await;
    assert_eq!(refused(&keyrings.leave("sp", INVENTED, &document)), "keyring_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_registered_authority_has_one_made() {
    let keyrings = Keyrings::start("keyring-strange");
    let element = keyrings.scratch.join("element.json");
    for actor in ["stranger", "sp", "support", "officer"] {
        let words = ["fabricate", "--policy", sceau_tests::keyrings::POLICY];
        let files = ["package", "invitation", "code"];
        let made = keyrings
            .act(actor, &words)
            .args(files.into_iter().flat_map(|file| [format!("--{file}"), format!("{actor}.{file}")]))
            .arg("--element")
            .arg(&element)
            .within(keyrings.scratch.path())
            .run();
        assert_eq!(refused(&made), "actor_unknown", "{actor}");
    }
}
