//! Between a connector and the platform sits what a hostile platform is: it repeats dossiers, turns the feed back, leaves dossiers out, and tells of
//! decisions that nobody took. Nothing is handed over twice, nothing unproven is written, and what is left out is seen.

use std::path::PathBuf;

use sceau_client::trust::attested;
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_element_api::Kind;
use sceau_element_api::documents::Manifest;
use sceau_tests::{Connected, House, Liar, Running};
use sceau_trace::{VerifierKey, sha256};
use serde_json::{Value, json};

/// One organisation, its connector, and the platform that lies to it.
struct Cast {
    house: House,
    liar: Liar,
    lyon: Connected,
    citizen: sceau_client::Person,
    log_key: VerifierKey,
}

impl Cast {
    async fn meet(name: &str) -> Self {
        let (house, liar) = Liar::house(name).await;
        let administrator = house.administrator().await;
        let lyon = Connected::found(&house, &administrator, "Métropole").await.watching_closely();
        lyon.grant_decisions().await;
        let citizen = house.citizen("cleo@example.org").await;
        let log_key = administrator.log_key().clone();
        Self { house, liar, lyon, citizen, log_key }
    }

    fn connect(&self) -> Running {
        Connected::program(&self.house, &[&self.lyon]).start(self.house.scratch.path())
    }

    fn folder(&self, manifest: &[u8], dossier: &str) -> PathBuf {
        self.lyon.output.join(format!("{dossier}.{}", &sha256(manifest).to_string()[..12]))
    }
}

/// An entry of the feed, at the next position after the one that was asked for.
fn entry(asked: &str, id: &str, kind: &str, dossier: &str, manifest: &[u8]) -> Value {
    let after = asked.split_once("after=").and_then(|(_, rest)| rest.split('&').next()?.parse::<u64>().ok());
    json!({
        "id": id, "position": after.unwrap_or(0) + 1, "kind": kind, "dossier": dossier,
        "scheme": "6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11", "manifest_hash": sha256(manifest).to_string(), "time": 0,
    })
}

fn is_feed(asked: &str) -> bool {
    asked.starts_with("GET /v1/deliveries?")
}

/// Adds one entry to the feed, once it has nothing else to say.
fn adds(
    id: &'static str,
    kind: &'static str,
    dossier: String,
    manifest: Vec<u8>,
) -> impl Fn(&str, &mut Value) + Send {
    let told = std::sync::atomic::AtomicBool::new(false);
    move |asked, answer| {
        let quiet = is_feed(asked) && answer["deliveries"].as_array().is_some_and(Vec::is_empty);
        if quiet && !told.swap(true, std::sync::atomic::Ordering::Relaxed) {
            answer["deliveries"] = json!([entry(asked, id, kind, &dossier, &manifest)]);
            answer["acknowledged"] = json!(1_000_000);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_comes_again_is_not_handed_over_again() {
    let cast = Box::pin(Cast::meet("hostile-feed")).await;
    let sent = cast.lyon.deposit(&cast.citizen, b"once").await;
    let dossier = sent.dossier.to_string();
    let mut connector = cast.connect();
    connector.wait_for("\"event\":\"handed_over\"");
    // The organisation's system took it away.
    std::fs::remove_dir_all(cast.folder(&sent.manifest, &dossier)).unwrap();
    let read = cast.liar.heard("/bundle");
    cast.liar.lies(adds("another.id", "resubmitted", dossier.clone(), sent.manifest.clone()));
    connector.wait_for("\"event\":\"repeated\"");
    assert!(cast.lyon.folders().is_empty());
    assert_eq!(cast.liar.heard("/bundle"), read, "nothing was fetched, and no key was asked for");

    // Nor after a start, and not when the same entry comes at a position of before.
    assert!(connector.stop().success());
    cast.liar.lies(move |asked, answer| {
        if is_feed(asked) {
            let mut before = entry(asked, "third.id", "submitted", &dossier, &sent.manifest);
            before["position"] = json!(1);
            answer["deliveries"] = json!([before]);
        }
    });
    let mut connector = cast.connect();
    connector.wait_for("\"code\":\"feed_went_back\"");
    cast.liar.repents();
    let good = cast.lyon.deposit(&cast.citizen, b"another").await;
    // The invented entry took a position of the real feed: what is there now is missed, and the next one is not.
    let next = cast.lyon.deposit(&cast.citizen, b"and another").await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", next.dossier));
    assert!(!cast.folder(&good.manifest, &good.dossier.to_string()).exists());

    // What was missed is in the log: the key manager reads it there, at its next look at the latest, and the connector says so.
    let Cast { house, mut lyon, .. } = cast;
    drop(lyon.premises.key_manager.take());
    lyon.premises.start_key_manager(&house);
    let said = connector.wait_for("\"event\":\"withheld\"");
    assert!(said.contains(&sha256(&good.manifest).to_string()), "{said}");
    assert!(!connector.log().contains(&format!("\"manifest_hash\":\"{}\"", sha256(&next.manifest))));
}

/// What the log has of the dossier is another manifest than the entry names: nothing goes over under the invented one.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_another_manifest_than_the_log_s_hands_nothing_over() {
    let cast = Box::pin(Cast::meet("hostile-manifest")).await;
    let sent = cast.lyon.deposit(&cast.citizen, b"once").await;
    let (dossier, invented) = (sent.dossier.to_string(), b"no manifest".to_vec());
    let mut connector = cast.connect();
    connector.wait_for("\"event\":\"handed_over\"");
    cast.liar.lies(adds("another.id", "resubmitted", dossier.clone(), invented.clone()));
    connector.wait_for("\"event\":\"superseded\"");
    assert!(!cast.folder(&invented, &dossier).exists());
    assert_eq!(cast.lyon.folders().len(), 1, "the one that the log has");
}

/// The platform knows the organisation's key and a file's id and size: it seals a document of its own as well as anybody, and the key manager,
/// which sees the header only, gives its content key. What the depositor signed for is the whole envelope.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_envelope_that_the_platform_sealed_is_not_the_depositors() {
    let cast = Box::pin(Cast::meet("hostile-envelope")).await;
    let sent = cast.lyon.deposit(&cast.citizen, b"true").await;
    let dossier = sent.dossier.to_string();
    let manifest: Manifest = serde_json::from_slice(&sent.manifest).unwrap();
    let file = manifest.files[0].file_id;
    let metadata = Metadata::new("pièce.pdf", "application/pdf").unwrap();
    let key = std::slice::from_ref(&sent.recipient.key);
    let mut forged = NewEnvelope::create_for_file(file, metadata, key).unwrap();
    let part = forged.sealer.seal_part(b"faux", true).unwrap();
    let header = json!(sceau_element_api::Base64Url(forged.header.as_bytes().to_vec()));
    cast.liar.forges(format!("/files/{file}/parts/0"), part);
    let id = json!(file);
    cast.liar.lies(move |_, answer| {
        let files = answer.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten();
        files.filter(|file| file["file_id"] == id).for_each(|file| file["header"] = header.clone());
    });
    let mut connector = cast.connect();
    let said = connector.wait_for("\"code\":\"unproven\"");
    assert!(said.contains(&dossier) && said.contains("not the one that the depositor signed for"), "{said}");
    assert!(cast.lyon.folders().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_told_with_the_log_s_proof_or_not_at_all() {
    let cast = Box::pin(Cast::meet("hostile-decisions")).await;
    let one = cast.lyon.deposit(&cast.citizen, b"one").await;
    let two = cast.lyon.deposit(&cast.citizen, b"two").await;
    let mut connector = cast.connect();
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", two.dossier));
    let (one_folder, two_folder) = (
        cast.folder(&one.manifest, &one.dossier.to_string()),
        cast.folder(&two.manifest, &two.dossier.to_string()),
    );

    // A decision that was taken comes with what shows it, and names the connector that took it.
    std::fs::write(one_folder.join("decision.json"), r#"{"decision": "accepted", "reason": "Complet."}"#)
        .unwrap();
    connector.wait_for("\"event\":\"decided\"");
    let decided = loop {
        if let Ok(bytes) = std::fs::read(one_folder.join("decided.json")) {
            break serde_json::from_slice::<Value>(&bytes).unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&decided["decision"], &decided["reason"]), (&json!("accepted"), &json!("Complet.")));
    assert_eq!((&decided["connector"], &decided["role"]), (&json!("paie"), &json!("case_officer")));
    let payload = std::fs::read(one_folder.join("proof/decision")).unwrap();
    let evidence = Connected::said(&one_folder, "proof/decision-evidence.json");
    let row = one.dossier.into();
    let proven = attested(&evidence, &cast.log_key, Kind::Decision, &row, sha256(&payload)).unwrap();
    assert_eq!(proven.record.detail().get("connector").map(String::as_str), Some("paie"));

    // One that nobody took is not told, whatever the platform shows for it.
    cast.liar.lies(adds("invented.1", "accepted", two.dossier.to_string(), two.manifest.clone()));
    let said = connector.wait_for("decision_unproven");
    assert!(said.contains(&two.dossier.to_string()), "{said}");
    let proof = json!({"payload": sceau_element_api::Base64Url(payload), "evidence": evidence});
    cast.liar.lies(move |asked, answer| {
        if asked.ends_with("/bundle") {
            answer["decision_proof"] = proof.clone();
        }
    });
    let said = connector.wait_for("\"code\":\"unproven\"");
    assert!(said.contains(&two.dossier.to_string()), "{said}");
    assert!(!two_folder.join("decided.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_the_feed_leaves_out_is_missed() {
    let cast = Box::pin(Cast::meet("hostile-silence")).await;
    let sent = cast.lyon.deposit(&cast.citizen, b"decided on the page").await;
    let mut connector = cast.connect();
    connector.wait_for("\"event\":\"handed_over\"");
    cast.liar.lies(|asked, answer| {
        if is_feed(asked)
            && let Some(entries) = answer["deliveries"].as_array_mut()
        {
            entries.retain(|entry| entry["kind"] == "submitted");
        }
    });
    cast.lyon.decides(&cast.house, sent.dossier, "accepted", "Complet.").await;
    let folder = cast.folder(&sent.manifest, &sent.dossier.to_string());
    let Cast { house, liar, mut lyon, citizen, .. } = cast;
    // Its next look at the log.
    drop(lyon.premises.key_manager.take());
    lyon.premises.start_key_manager(&house);
    let said = connector.wait_for("\"event\":\"decision_withheld\"");
    assert!(said.contains(&sha256(&sent.manifest).to_string()), "{said}");
    assert!(!folder.join("decided.json").exists());

    // What it says late is heard, and it is not missed after a start.
    liar.repents();
    connector.wait_for("\"event\":\"told\"");
    assert_eq!(Connected::said(&folder, "decided.json")["reason"], "Complet.");
    assert!(connector.stop().success());
    let mut connector = Connected::program(&house, &[&lyon]).named("again").start(house.scratch.path());
    let next = lyon.deposit(&citizen, b"another").await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", next.dossier));
    assert!(!connector.log().contains("decision_withheld"));
}
