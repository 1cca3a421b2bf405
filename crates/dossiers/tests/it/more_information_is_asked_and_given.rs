use std::collections::BTreeMap;

use sceau_client::{ClientError, Deposited, Person};
use sceau_dossiers::Letter;
use sceau_element_api::documents::{Document as _, Manifest, Outcome};
use sceau_element_api::{Base64Url, Kind, Nonce};
use serde_json::{Value, json};

use crate::support::World;

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
