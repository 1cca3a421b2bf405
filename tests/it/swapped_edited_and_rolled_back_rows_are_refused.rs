//! Somebody holds the platform's database and objects, and edits them while it is stopped. The platform refuses what it reads then,
//! and its public log says so.

use sceau_client::{ClientError, Person};
use sceau_crypto::{Typ, jws};
use sceau_element_api::documents::{Document as _, KeyStatement, Outcome};
use sceau_store::Value as Datum;
use sceau_tests::{House, Organisation, Stage, now_ms};
use serde_json::{Value, json};

/// What an answer was refused for.
fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::Refused { code, .. }) => code,
        other => panic!("refused expected: {other:?}"),
    }
}

async fn get(person: &Person, path: &str) -> Result<Value, ClientError> {
    person.server().get(path).await
}

fn text(value: &str) -> Datum {
    Datum::from(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_column_makes_no_administrator() {
    let mut stage = Stage::set("role-column").await;
    let citizen = text(&stage.citizen.account);
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("UPDATE account SET role = 'platform_admin' WHERE id = $1", &[citizen]).await;
        })
        .await;
    let form =
        json!({"name": "X", "siret": null, "contact_email": "a@b.c", "root_fingerprint": "00".repeat(32)});
    let prepared = stage.citizen.server().post::<_, Value>("/v1/organisations/prepare", &form).await;
    assert_eq!(refused(prepared), "not_authorised");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_an_administrators_document_is_refused() {
    let mut stage = Stage::set("role-document").await;
    let (citizen, admin) = (stage.citizen.account.clone(), stage.administrator.account.clone());
    stage
        .house
        .behind_its_back(async |records| {
            let document: Vec<u8> =
                records.value("SELECT payload AS v FROM account WHERE id = $1", &[text(&admin)]).await;
            let document = String::from_utf8(document).unwrap().replace(&admin, &citizen);
            records
                .edit(
                    "UPDATE account SET payload = $1 WHERE id = $2",
                    &[document.into_bytes().into(), text(&citizen)],
                )
                .await;
        })
        .await;
    assert_eq!(refused(get(&stage.citizen, "/v1/me").await), "tampered");
    assert_eq!(stage.recorded("tampered", "account").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisations_row_says_nothing_and_its_document_is_held_to_the_log() {
    let mut stage = Stage::set("organisation").await;
    let id = stage.organisation.enrolled.organisation.to_string();
    let path = format!("/v1/organisations/{id}");
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("UPDATE organisations SET name = 'Mallory'", &[]).await;
        })
        .await;
    assert_eq!(get(&stage.citizen, &path).await.unwrap()["name"], "Métropole d’essai");
    let root = stage.organisation.root.verifying_key().fingerprint().to_string();
    stage
        .house
        .behind_its_back(async |records| {
            records.edit_document("organisation", &id, &root, &"0".repeat(64)).await;
        })
        .await;
    for path in [path.as_str(), "/v1/organisations"] {
        assert_eq!(refused(get(&stage.citizen, path).await), "tampered", "{path}");
    }
    let begun =
        stage.citizen.server().post::<_, Value>("/v1/dossiers", &json!({"scheme": stage.scheme.id})).await;
    assert_eq!(refused(begun), "tampered");
    assert_eq!(stage.recorded("tampered", "organisation").await, 3);
}

/// A second statement of an organisation's recipient key, for a key of its own.
fn next_statement(organisation: &Organisation) -> String {
    let first = jws::unverified_payload(&organisation.encrypt_statement()).unwrap();
    let first = KeyStatement::parse(&first).unwrap().document;
    let key = sceau_crypto::XWingPrivateKey::generate().unwrap();
    let key = sceau_crypto::RecipientPrivateKey::XWing(key);
    let key = key.recipient_key();
    let second = KeyStatement {
        key_id: key.key_id(),
        public_key: key.public().to_vec().into(),
        predecessor: Some(first.key_id),
        serial: 2,
        ..first
    };
    jws::sign(&organisation.root, Typ::KeyStatement, &second.to_bytes().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_statement_is_neither_set_back_nor_anothers() {
    let mut stage = Stage::set("key-statement").await;
    let other = stage.house.organisation(&stage.administrator, "Une autre").await;
    stage.organisation.machine.publish_key(&next_statement(&stage.organisation)).await.unwrap();
    let id = text(&stage.organisation.enrolled.organisation.to_string());
    let other = text(&other.enrolled.organisation.to_string());
    let older =
        "SELECT jws AS v FROM key_statements WHERE organisation = $1 AND key_use = 'encrypt' AND serial = 1";
    for owner in [id.clone(), other] {
        let good = stage
            .house
            .behind_its_back(async |records| {
                let newest = "SELECT jws AS v FROM key_statements \
                    WHERE organisation = $1 AND key_use = 'encrypt' AND serial = 2";
                let good: String = records.value(newest, std::slice::from_ref(&id)).await;
                let swapped: String = records.value(older, &[owner]).await;
                let put = "UPDATE key_statements SET jws = $1 \
                    WHERE organisation = $2 AND key_use = 'encrypt' AND serial = 2";
                records.edit(put, &[swapped.into(), id.clone()]).await;
                good
            })
            .await;
        let begin = async || {
            stage.citizen.server().post::<_, Value>("/v1/dossiers", &json!({"scheme": stage.scheme.id})).await
        };
        assert_eq!(refused(begin().await), "tampered");
        stage
            .house
            .behind_its_back(async |records| {
                let put = "UPDATE key_statements SET jws = $1 \
                WHERE organisation = $2 AND key_use = 'encrypt' AND serial = 2";
                records.edit(put, &[good.into(), id.clone()]).await;
            })
            .await;
    }
    assert_eq!(stage.recorded("tampered", "key-statement").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_statement_that_is_deleted_comes_back_from_its_document_or_is_missed() {
    let mut stage = Stage::set("key-deleted").await;
    let newest = next_statement(&stage.organisation);
    stage.organisation.machine.publish_key(&newest).await.unwrap();
    let shown = async |stage: &Stage| {
        let path = format!("/v1/organisations/{}", stage.organisation.enrolled.organisation);
        Ok::<_, ClientError>(get(&stage.citizen, &path).await?["current_key"]["statement_jws"].clone())
    };
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("DELETE FROM key_statements WHERE serial = 2", &[]).await;
        })
        .await;
    assert_eq!(shown(&stage).await.unwrap(), newest);
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("DELETE FROM key_statements WHERE serial = 2", &[]).await;
            let last = "DELETE FROM attested_documents WHERE kind = 'key-statement' \
            AND log_index = (SELECT max(log_index) FROM attested_documents WHERE kind = 'key-statement')";
            records.edit(last, &[]).await;
        })
        .await;
    assert_eq!(refused(shown(&stage).await), "tampered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_scheme_is_refused() {
    let mut stage = Stage::set("scheme").await;
    let id = stage.scheme.id.to_string();
    stage
        .house
        .behind_its_back(async |records| {
            // The sensitive question is made public.
            records.edit_document("scheme", &id, r#""sensitive":true"#, r#""sensitive":false"#).await;
        })
        .await;
    for path in ["/v1/schemes", &format!("/v1/schemes/{id}")] {
        assert_eq!(refused(get(&stage.citizen, path).await), "tampered", "{path}");
    }
    let begun = stage.citizen.server().post::<_, Value>("/v1/dossiers", &json!({"scheme": id})).await;
    assert_eq!(refused(begun), "tampered");
    assert_eq!(stage.recorded("tampered", "scheme").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossiers_state_is_the_elements_word() {
    let mut stage = Stage::set("state").await;
    let deposited = stage.deposit(b"content").await;
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("UPDATE dossiers SET state = 'accepted', decided = 1", &[]).await;
        })
        .await;
    assert_eq!(get(&stage.citizen, &path).await.unwrap()["state"], "submitted");
    let id = deposited.dossier.to_string();
    stage
        .house
        .behind_its_back(async |records| {
            records.edit_document("dossier", &id, r#""phase":"submitted""#, r#""phase":"accepted""#).await;
        })
        .await;
    assert_eq!(refused(get(&stage.citizen, &path).await), "tampered");
    assert_eq!(get(&stage.citizen, "/v1/dossiers").await.unwrap()[0]["state"], "tampered");
    assert_eq!(refused(stage.officer.ticket(deposited.dossier).await), "tampered");
    assert_eq!(stage.recorded("tampered", "dossier").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_has_the_depositor_that_it_began_with() {
    let mut stage = Stage::set("depositor").await;
    let deposited = stage.deposit(b"content").await;
    let mallory = stage.house.citizen("mallory@example.org").await;
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    let (own, others) = (stage.citizen.account.clone(), mallory.account.clone());
    stage
        .house
        .behind_its_back(async |records| {
            records.edit("UPDATE dossiers SET citizen = $1", &[text(&others)]).await;
        })
        .await;
    assert_eq!(get(&mallory, "/v1/dossiers").await.unwrap(), json!([]));
    assert_eq!(refused(get(&mallory, &path).await), "not_found");
    let id = deposited.dossier.to_string();
    stage
        .house
        .behind_its_back(async |records| records.edit_document("dossier", &id, &own, &others).await)
        .await;
    assert_eq!(refused(get(&mallory, &path).await), "tampered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_manifest_is_refused() {
    let mut stage = Stage::set("manifest").await;
    let deposited = stage.deposit(b"content").await;
    let id = deposited.dossier.to_string();
    stage
        .house
        .behind_its_back(async |records| {
            records.edit_document("manifest", &id, r#""price":3200"#, r#""price":9900"#).await;
        })
        .await;
    let page = stage.reading(deposited.dossier).await;
    assert_eq!(refused(page.get::<Value>(&format!("/v1/reading/{id}/bundle")).await), "tampered");
    assert_eq!(refused(get(&stage.citizen, &format!("/v1/dossiers/{id}")).await), "tampered");
    let decision = stage.decision(&deposited.manifest, Outcome::Accepted, now_ms());
    assert_eq!(refused(stage.organisation.machine.deliver_decision(&decision).await), "tampered");
    assert_eq!(stage.recorded("tampered", "manifest").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_proof_is_refused() {
    let mut stage = Stage::set("proof").await;
    let deposited = stage.deposit(b"content").await;
    let id = deposited.dossier.to_string();
    let proof = "SELECT proof AS v FROM attested_documents WHERE kind = 'manifest'";
    let put = "UPDATE attested_documents SET proof = $1 WHERE kind = 'manifest'";
    let good: String = stage.house.behind_its_back(async |records| records.value(proof, &[]).await).await;
    let other: String = stage
        .house
        .behind_its_back(async |records| {
            records.value("SELECT proof AS v FROM attested_documents WHERE kind = 'scheme'", &[]).await
        })
        .await;
    let mut unsaid: Value = serde_json::from_str(&good).unwrap();
    unsaid["nonce"] = json!("A".repeat(43));
    let forged = [r#"{"type":"platform-asserted"}"#.to_owned(), other, unsaid.to_string(), "{}".to_owned()];
    for forged in forged {
        stage.house.behind_its_back(async |records| records.edit(put, &[text(&forged)]).await).await;
        let page = stage.reading(deposited.dossier).await;
        let bundle = page.get::<Value>(&format!("/v1/reading/{id}/bundle")).await;
        assert_eq!(refused(bundle), "tampered", "{forged}");
        assert_eq!(refused(get(&stage.citizen, &format!("/v1/dossiers/{id}")).await), "tampered", "{forged}");
    }
    stage.house.behind_its_back(async |records| records.edit(put, &[text(&good)]).await).await;
    assert_eq!(
        get(&stage.citizen, &format!("/v1/dossiers/{id}")).await.unwrap()["manifest_asserted"],
        "passkey"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_decision_is_refused() {
    let mut stage = Stage::set("decision").await;
    let deposited = stage.deposit(b"content").await;
    let decision = stage.decision(&deposited.manifest, Outcome::Refused, now_ms());
    stage.organisation.machine.deliver_decision(&decision).await.unwrap();
    let id = deposited.dossier.to_string();
    stage
        .house
        .behind_its_back(async |records| {
            records.edit_document("decision", &id, r#""refused""#, r#""accepted""#).await;
        })
        .await;
    assert_eq!(refused(get(&stage.citizen, &format!("/v1/dossiers/{id}")).await), "tampered");
    assert_eq!(stage.recorded("tampered", "decision").await, 1);
}

/// Copies the database's files, whatever of them is there.
fn copy(house: &House, there: bool) {
    for file in house.database_files() {
        let kept = house.scratch.join(&format!("older-{}", file.file_name().unwrap().display()));
        let (from, to) = if there { (&file, &kept) } else { (&kept, &file) };
        let _ = std::fs::remove_file(to);
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_rolled_back_is_caught() {
    let mut stage = Stage::set("rolled-back").await;
    let dossier = stage.deposit(b"earlier").await.dossier.to_string();
    stage.house.stop_platform();
    copy(&stage.house, true);
    stage.house.start_platform();
    let later = stage.deposit(b"later").await;
    let path = format!("/v1/dossiers/{dossier}");
    let manifest = stage
        .house
        .behind_its_back(async |records| {
            let payload = "SELECT payload AS v FROM attested_documents WHERE kind = 'manifest' AND id = $1";
            records.value::<Vec<u8>>(payload, &[text(&dossier)]).await
        })
        .await;
    let decision = stage.decision(&manifest, Outcome::Accepted, now_ms());
    stage.organisation.machine.deliver_decision(&decision).await.unwrap();
    assert_eq!(get(&stage.citizen, &path).await.unwrap()["state"], "accepted");

    stage.house.stop_platform();
    copy(&stage.house, false);
    stage.house.start_platform();
    // The start already meets the dossier whose decision is gone, and records it.
    assert_eq!(stage.recorded("tampered", "dossier").await, 1);
    assert_eq!(refused(get(&stage.citizen, &path).await), "tampered", "the state is an older one");
    let gone = format!("/v1/dossiers/{}", later.dossier);
    assert_eq!(refused(get(&stage.citizen, &gone).await), "tampered", "the dossier is not there any more");
    assert_eq!(stage.recorded("tampered", "dossier").await, 3);
}
