use std::collections::BTreeMap;

use sceau_client::{ClientError, Deposited, Person};
use sceau_crypto::FileId;
use sceau_dossiers::Letter;
use sceau_element_api::documents::{Document as _, Manifest, Outcome, SealedFile};
use sceau_element_api::{Base64Url, Kind, Nonce};
use serde_json::{Value, json};

use crate::support::{Draft, World, submit, told};

/// Sends another manifest of the same files.
async fn send_again(citizen: &Person, deposited: &Deposited, created: u64) -> Result<Deposited, ClientError> {
    let manifest = Manifest { created, ..Manifest::parse(&deposited.manifest).unwrap().document };
    let manifest = manifest.to_bytes().unwrap();
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    let prepared: BTreeMap<String, Nonce> =
        citizen.server().post(&format!("{path}/manifest/prepare"), &json!({})).await?;
    let proof = citizen.prove(Kind::Manifest, &manifest, prepared["nonce"])?;
    let body = json!({"manifest": Base64Url(manifest.clone()), "proof": proof});
    citizen.server().post::<_, Value>(&format!("{path}/submit"), &body).await?;
    Ok(Deposited { manifest, ..deposited.clone() })
}

#[tokio::test]
async fn the_depositor_answers_with_further_files() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let now = world.clock_now();
    let deposited = office.deposit(&citizen, now).await;
    let first = Manifest::parse(&deposited.manifest).unwrap();
    let draft = Draft::again(&citizen, &office, &deposited.dossier.to_string(), now).await;
    let late = draft.send(&citizen, b"too soon").await;
    assert_eq!(told(&late), (409, "already_sent"), "nothing is added to what nobody asked more about");

    let ask = office.decision(&deposited, Outcome::MoreInformation, "Il manque une page.", now);
    office.machine.deliver_decision(&ask).await.unwrap();
    let page = draft.send(&citizen, b"the missing page").await.unwrap();
    let left_out = draft.send(&citizen, b"sent by mistake").await.unwrap();
    assert_eq!(world.objects(), 3);

    let incomplete = SealedFile { file_id: FileId::of_dossier(&draft.id), ..page.clone() };
    let files = |more: &SealedFile| [first.document.files.clone(), vec![more.clone()]].concat();
    let missing = Manifest { files: files(&incomplete), created: now + 1, ..first.document.clone() };
    assert_eq!(told(&submit(&citizen, &missing).await), (409, "file_incomplete"));
    let whole = Manifest { files: files(&page), created: now + 1, ..first.document.clone() };
    submit(&citizen, &whole).await.unwrap();
    let view: Value = citizen.server().get(&draft.path()).await.unwrap();
    assert_eq!((&view["state"], view["files"].as_array().unwrap().len()), (&json!("submitted"), 2));
    assert_eq!(world.objects(), 2, "what no manifest names is removed, what was sent first stays");
    assert_eq!(world.count("SELECT count(*) AS n FROM draft_space", &[]).await, 0);

    // The organisation reads both files, and decides on the newer list alone.
    let ticket: Value =
        office.officer.server().post(&format!("{}/ticket", draft.path()), &json!({})).await.unwrap();
    let ticket = ticket["url"].as_str().unwrap().rsplit_once('=').unwrap().1;
    let reader = world.nobody();
    let token: Value = reader.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    reader.set_bearer(token["token"].as_str().map(str::to_owned));
    let path = format!("/v1/reading/{}", draft.id);
    let bundle: Value = reader.get(&format!("{path}/bundle")).await.unwrap();
    let ids: Vec<&str> =
        bundle["files"].as_array().unwrap().iter().map(|f| f["file_id"].as_str().unwrap()).collect();
    assert_eq!(ids, whole.files.iter().map(|file| file.file_id.to_string()).collect::<Vec<_>>());
    for id in ids {
        reader.get_bytes(&format!("{path}/files/{id}/parts/0")).await.unwrap();
    }
    let gone = reader.get_bytes(&format!("{path}/files/{}/parts/0", left_out.file_id)).await;
    assert_eq!(told(&gone), (404, "not_found"));
    let answered = Deposited { manifest: whole.to_bytes().unwrap(), ..deposited.clone() };
    let decided = office.decision(&answered, Outcome::Accepted, "Complet.", now + 2);
    office.machine.deliver_decision(&decided).await.unwrap();
    assert_eq!(told(&draft.send(&citizen, b"too late").await), (409, "already_sent"));
}

#[tokio::test]
async fn the_depositor_answers_and_the_organisation_decides_on_the_answer() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let now = world.clock_now();
    let deposited = office.deposit(&citizen, now).await;
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    let state = async || citizen.server().get::<Value>(&path).await.unwrap()["state"].clone();

    assert_eq!(send_again(&citizen, &deposited, now + 1).await.unwrap_err().code(), Some("already_sent"));
    let ask = async |reason: &str, time| {
        let jws = office.decision(&deposited, Outcome::MoreInformation, reason, time);
        office.machine.deliver_decision(&jws).await.unwrap();
    };
    ask("Il manque une page.", now).await;
    assert_eq!(state().await, "more_information");
    world.letters().await;
    ask("Et la date.", now + 1).await;
    let letters = world.letters().await;
    assert!(
        matches!(letters.as_slice(), [Letter::Decided { state, .. }] if state == "more_information"),
        "a second request is a second letter: {letters:?}"
    );

    let answered = send_again(&citizen, &deposited, now + 2).await.unwrap();
    assert_eq!(state().await, "submitted");
    send_again(&citizen, &deposited, now + 2).await.unwrap();
    assert_eq!(world.letters().await.len(), 2, "a receipt and a notice, once");
    assert_eq!(send_again(&citizen, &deposited, now + 3).await.unwrap_err().code(), Some("already_sent"));

    let late = office.decision(&deposited, Outcome::Refused, "Non.", now + 3);
    assert_eq!(office.machine.deliver_decision(&late).await.unwrap_err().code(), Some("another_manifest"));
    let decided = office.decision(&answered, Outcome::Accepted, "Complet.", now + 4);
    office.machine.deliver_decision(&decided).await.unwrap();
    assert_eq!(state().await, "accepted");
    let timeline = citizen.server().get::<Value>(&path).await.unwrap()["timeline"].clone();
    let actions: Vec<&str> =
        timeline.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deposit.complete", "decision", "decision", "deposit.complete", "decision"]);
}
