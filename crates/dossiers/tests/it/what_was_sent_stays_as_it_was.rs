//! A depositor who was asked for more adds to the dossier, and changes nothing of what was sent before.

use sceau_client::{Deposited, Person};
use sceau_element_api::documents::{Document as _, Manifest, Outcome};
use sceau_store::Statement;
use serde_json::{Value, json};

use crate::support::{Draft, Office, World, submit, told};

async fn asked_for_more() -> (World, Office, Person, Deposited) {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let ask = office.decision(&deposited, Outcome::MoreInformation, "Il manque une page.", world.clock_now());
    office.machine.deliver_decision(&ask).await.unwrap();
    (world, office, citizen, deposited)
}

#[tokio::test]
async fn a_part_too_many_neither_joins_a_sent_file_nor_hides_the_dossier() {
    let (world, office, citizen, deposited) = asked_for_more().await;
    let sent = Manifest::parse(&deposited.manifest).unwrap().document;
    let (dossier, file) = (deposited.dossier, sent.files[0].file_id);
    let path = format!("/v1/dossiers/{dossier}/files/{file}/parts/1");
    let bytes = b"one more part".to_vec();
    let digest = sceau_crypto::sha256(&bytes);
    let added = citizen.server().put_bytes(&path, bytes, &digest).await;
    assert_eq!(told(&added), (409, "already_sent"));

    // As when it arrived while the manifest was being attested.
    let slipped_in = "INSERT INTO parts SELECT dossier, file_id, 1, object || 'x', digest, length FROM parts";
    world.database.execute(Statement::new("SLIP_IN", slipped_in), &[]).await.unwrap();
    let ticket: Value =
        office.officer.server().post(&format!("/v1/dossiers/{dossier}/ticket"), &json!({})).await.unwrap();
    let ticket = ticket["url"].as_str().unwrap().rsplit_once('=').unwrap().1;
    let reader = world.nobody();
    let token: Value = reader.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    reader.set_bearer(token["token"].as_str().map(str::to_owned));
    let path = format!("/v1/reading/{dossier}");
    let bundle: Value = reader.get(&format!("{path}/bundle")).await.unwrap();
    assert_eq!(bundle["files"][0]["parts"], 1);
    reader.get_bytes(&format!("{path}/files/{file}/parts/0")).await.unwrap();
    let beyond = reader.get_bytes(&format!("{path}/files/{file}/parts/1")).await;
    assert_eq!(told(&beyond), (404, "not_found"));
}

#[tokio::test]
async fn sending_the_first_list_again_removes_nothing_of_the_answer() {
    let (world, office, citizen, deposited) = asked_for_more().await;
    let sent = Manifest::parse(&deposited.manifest).unwrap().document;
    let now = world.clock_now();
    let draft = Draft::again(&citizen, &office, &deposited.dossier.to_string(), now).await;
    let page = draft.send(&citizen, b"the missing page").await.unwrap();
    submit(&citizen, &sent).await.unwrap();
    assert_eq!(world.objects(), 2, "the page waits for its own list");
    let files = [sent.files.clone(), vec![page]].concat();
    submit(&citizen, &Manifest { files, created: now + 1, ..sent }).await.unwrap();
}
