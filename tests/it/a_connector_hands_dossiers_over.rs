//! `sceau connect` from end to end: what a citizen sealed arrives in the organisation's own folder, byte for byte; decisions go back; each
//! organisation's grant reaches as far as it says and no farther.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sceau_client::Document;
use sceau_tests::{Connected, House, Stage, Steps, now_ms, opened_trace};
use sceau_trace::{Action, ActorKind, Asserted, Outcome, Record, sha256};
use serde_json::{Value, json};

fn content(length: u32) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn only(connected: &Connected) -> PathBuf {
    let folders = connected.folders();
    let [folder] = folders.as_slice() else { panic!("one folder, not {folders:?}") };
    folder.clone()
}

fn drop_decision(folder: &Path, decision: &Value) {
    std::fs::write(folder.join(".decision"), decision.to_string()).unwrap();
    std::fs::rename(folder.join(".decision"), folder.join("decision.json")).unwrap();
}

#[tokio::test]
async fn one_connector_serves_two_organisations_each_under_its_own_grant() {
    let house = House::start("connector");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let lille = Connected::found(&house, &administrator, "Région").await;
    lyon.grant_decisions().await;
    let citizen = house.citizen("cleo@example.org").await;
    let sent = content(2_500_000);
    let deposited = lyon.deposit(&citizen, &sent).await;
    let mut connector = Connected::program(&house, &[&lyon, &lille]).start(house.scratch.path());
    connector.wait_for(&deposited.dossier.to_string());

    // What was sealed comes out, whole, for this user alone.
    let folder = only(&lyon);
    let manifest = Connected::said(&folder, "manifest.json");
    let file = &manifest["files"][0];
    assert_eq!((&manifest["kind"], &file["name"]), (&json!("submitted"), &json!("pièce.pdf")));
    let path = folder.join(file["path"].as_str().unwrap());
    assert!(std::fs::read(&path).unwrap() == sent, "byte for byte");
    assert_eq!(file["sha256"], sha256(&sent).to_string());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let answers = Connected::said(&folder, "answers.json");
    assert_eq!((&answers["public"]["price"], &answers["sealed"]["income"]), (&json!(3200), &json!(18500)));
    assert!(lille.folders().is_empty());

    // Each access is on record, with the connector's name, on the organisation's word.
    let trace = opened_trace(&house).await;
    let fetched = |action: Action| {
        trace.iter().filter(|it| *it.action() == action && it.actor().id == lyon.client_id).count()
    };
    assert_eq!((fetched(Action::TICKET_ISSUE), fetched(Action::DOSSIER_VIEW)), (1, 1));
    assert_eq!(fetched(Action::DOCUMENT_FETCH), 2);
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", deposited.dossier)).await.unwrap();
    assert_eq!(view["state"], "submitted");
    drop_decision(&folder, &json!({"decision": "accepted", "reason": "Complet."}));
    connector.wait_for("\"event\":\"decided\"");
    assert_eq!(Connected::said(&folder, "decision.result.json")["state"], "signed");
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", deposited.dossier)).await.unwrap();
    assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!("Complet.")));
    let trace = opened_trace(&house).await;
    let released: Vec<_> = trace
        .iter()
        .filter(|it| *it.action() == Action::UNWRAP_OUTCOME && it.actor().kind == ActorKind::Client)
        .collect();
    assert_eq!(released.len(), 2, "the document and the sealed answers");
    assert!(released.iter().all(|it| it.actor().id == "paie" && it.asserted() == Asserted::Organisation));

    // What it may do is on record in full, from the moment that it may; and what it decided is told from what a person decides.
    let changes = |act: &str, trace: &[Record]| {
        let own = lyon.premises.organisation.to_string();
        let changes =
            trace.iter().filter(|it| *it.action() == Action::CONNECTOR_CHANGE && it.actor().id == own);
        let changes: Vec<Record> = changes.filter(|it| it.detail()["act"] == act).cloned().collect();
        changes
    };
    let granted = changes("grant", &trace);
    let last = granted.last().expect("a grant is on record");
    let certificate = lyon.premises.connector().1;
    let said = ["certificate", "schemes", "decides"].map(|name| last.detail()[name].as_str());
    assert_eq!(said, [certificate, "all", "case_officer"]);
    assert!(["not_before", "not_after"].iter().all(|date| last.detail()[*date].parse::<u64>().is_ok()));
    assert_eq!((&*last.subjects()[0].kind, &*last.subjects()[0].id), ("client", "paie"));
    assert_eq!(last.subjects()[1].id, lyon.staff.officer.account);
    let decision = trace.iter().find(|it| it.attested().is_some_and(|row| row.kind == "decision")).unwrap();
    assert_eq!(decision.detail()["connector"], "paie");

    // One organisation's word ends its own only.
    lyon.revoke().await;
    let withheld = lyon.deposit(&citizen, &content(10)).await;
    connector.wait_for("connector_not_granted");
    let other = lille.deposit(&citizen, &content(20)).await;
    connector.wait_for(&other.dossier.to_string());
    assert_eq!((lyon.folders().len(), lille.folders().len()), (1, 1));
    // It was not put aside: granted again, it comes.
    lyon.grant(&json!({})).await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", withheld.dossier));
    // Without the right to decide, a decision is refused, and the reason lies beside it.
    let folder =
        lyon.output.join(format!("{}.{}", withheld.dossier, &sha256(&withheld.manifest).to_string()[..12]));
    drop_decision(&folder, &json!({"decision": "refused", "reason": ""}));
    connector.wait_for("decisions_not_granted");
    assert_eq!(Connected::said(&folder, "decision.result.json")["code"], "decisions_not_granted");
    let revoked = changes("revoke", &opened_trace(&house).await);
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].detail()["certificate"], certificate);
}

#[tokio::test]
async fn a_grant_that_is_revoked_in_the_middle_of_a_dossier_ends_it_there() {
    let house = House::start("connector-middle");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let lille = Connected::found(&house, &administrator, "Région").await;
    let citizen = house.citizen("cleo@example.org").await;
    let cut = lyon.deposit(&citizen, &content(3000)).await;
    let name = format!("{}.{}", cut.dossier, &sha256(&cut.manifest).to_string()[..12]);
    let aside = lyon.output.join(".incoming").join(&name);
    // Between the key of the document and the key of the sealed answers.
    let (steps, document) = (Steps::default(), aside.join("documents/pièce.pdf"));
    let mut hold = steps.hold(move || document.exists());
    let program = Connected::program(&house, &[&lyon, &lille]);
    let mut connector = program.start_stepped(&house.scratch.join("logs"), &steps);
    hold.reached().await;
    lyon.revoke().await;
    hold.release();
    connector.wait_for("connector_not_granted");
    let theirs = lille.deposit(&citizen, &content(20)).await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", theirs.dossier));
    assert!(lyon.folders().is_empty() && !aside.exists(), "nothing of it is kept");
    let trace = opened_trace(&house).await;
    let opened = trace.iter().filter(|it| *it.action() == Action::UNWRAP_OUTCOME && it.actor().id == "paie");
    let of_lyon =
        opened.filter(|it| it.organisation() == Some(lyon.premises.organisation.to_string().as_str()));
    assert_eq!(of_lyon.filter(|it| it.outcome() == Outcome::Granted).count(), 1);
    lyon.grant(&json!({})).await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", cut.dossier));
    assert_eq!(only(&lyon).file_name().unwrap().to_str(), Some(&*name));
}

#[tokio::test]
async fn a_company_that_tries_another_s_id_or_key_is_refused() {
    let house = House::start("connector-another");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let lille = Connected::found(&house, &administrator, "Région").await;
    let citizen = house.citizen("cleo@example.org").await;
    let mine = lyon.deposit(&citizen, &content(10)).await;
    let (lyons, lilles) = (lyon.premises.organisation.to_string(), lille.premises.organisation.to_string());

    // Another's id with one's own credentials: the feed is one's own, and no key manager opens it.
    let (from, to) = (format!("\norganisation = \"{lilles}\""), format!("\norganisation = \"{lyons}\""));
    let lille = lille.saying(&from, &to);
    let theirs = lille.deposit(&citizen, &content(20)).await;
    let mut connector = Connected::program(&house, &[&lille]).start(house.scratch.path());
    let said = connector.wait_for("manifest_of_another_organisation");
    assert!(said.contains(&theirs.dossier.to_string()), "{said}");
    assert!(lille.folders().is_empty());

    // Another's dossier, asked for with one's own token, is not there; that it was asked for is on record.
    let feed = lille.feed(&house).await;
    let refused =
        feed.post::<_, Value>(&format!("/v1/deliveries/{}/reading", mine.dossier), &json!({})).await;
    assert_eq!(refused.unwrap_err().code(), Some("not_found"));
    let tried = opened_trace(&house).await.into_iter().filter(|it| it.actor().id == lille.client_id);
    let refusals: Vec<_> = tried.filter(|it| it.outcome() == Outcome::Refused).collect();
    assert!(refusals.iter().any(|it| it.subjects().iter().any(|it| it.id == mine.dossier.to_string())));

    // Another's key manager knows neither the certificate nor who issued it; one's own releases nothing of another's dossier.
    let reading = lyon.feed(&house).await;
    let path = format!("/v1/deliveries/{}/reading", mine.dossier);
    let token: Value = reading.post(&path, &json!({})).await.unwrap();
    reading.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = reading.get(&format!("/v1/reading/{}/bundle", mine.dossier)).await.unwrap();
    let ask = json!({
        "dossier": mine.dossier, "file_id": bundle["files"][0]["file_id"], "header": bundle["files"][0]["header"],
        "manifest": bundle["manifest"], "manifest_evidence": bundle["manifest_evidence"],
        "scheme": bundle["scheme"], "reading": token["token"],
    });
    for (key_manager, code) in
        [(&lyon, "certificate_untrusted"), (&lille, "manifest_of_another_organisation")]
    {
        let server = key_manager.key_manager_as(&lille);
        let refused = server.post::<_, Value>("/v1/connector/unwrap", &ask).await.unwrap_err();
        assert_eq!(refused.code(), Some(code), "{refused}");
    }
    let own: Value = lyon.key_manager_as(&lyon).post("/v1/connector/unwrap", &ask).await.unwrap();
    assert!(own["cek"].is_string(), "the same question of whose it is");
}

#[tokio::test]
async fn a_grant_reaches_to_its_schemes_and_a_decision_to_its_organisation() {
    let house = House::start("connector-scope");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let lille = Connected::found(&house, &administrator, "Région").await;
    lyon.grant_decisions().await;
    lille.grant(&json!({"schemes": [lyon.scheme.id]})).await;
    let citizen = house.citizen("cleo@example.org").await;
    let mine = lyon.deposit(&citizen, &content(10)).await;
    let theirs = lille.deposit(&citizen, &content(20)).await;
    let mut connector = Connected::program(&house, &[&lyon, &lille]).start(house.scratch.path());
    connector.wait_for(&mine.dossier.to_string());
    connector.wait_for("scheme_not_granted");
    assert!(lille.folders().is_empty());
    assert!(
        std::fs::read_dir(lille.output.join(".incoming")).unwrap().next().is_none(),
        "nothing in clear lies about"
    );

    // The proof of another organisation's dossier in one's own folder decides nothing.
    let folder = only(&lyon);
    let bundle = folder.join("proof/manifest");
    std::fs::write(&bundle, &theirs.manifest).unwrap();
    drop_decision(&folder, &json!({"decision": "accepted", "reason": ""}));
    connector.wait_for("decision_refused");
    assert_eq!(Connected::said(&folder, "decision.result.json")["code"], "manifest_not_attested");
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", theirs.dossier)).await.unwrap();
    assert_eq!(view["state"], "submitted");

    // A person sees what was put aside, and has it tried again.
    assert!(connector.stop().success());
    let status = Connected::program(&house, &[&lyon, &lille]).arg("--status").run().success().text();
    assert!(
        status.contains("scheme_not_granted") && status.contains(&theirs.dossier.to_string()),
        "{status}"
    );
    lille.grant(&json!({})).await;
    Connected::program(&house, &[&lyon, &lille]).arg("--retry").run().success();
    let mut connector = Connected::program(&house, &[&lyon, &lille]).start(house.scratch.path());
    connector.wait_for(&theirs.dossier.to_string());
    assert_eq!(lille.folders().len(), 1);
}

#[tokio::test]
async fn a_swapped_object_is_put_aside_and_holds_up_nothing() {
    let house = House::start("connector-swapped");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let swapped = lyon.deposit(&citizen, &content(3000)).await;
    let objects = house.scratch.join("platform").join("objects");
    for shelf in std::fs::read_dir(&objects).unwrap().flatten() {
        damage(&shelf.path());
    }
    let good = lyon.deposit(&citizen, &content(4000)).await;
    let mut connector = Connected::program(&house, &[&lyon]).start(house.scratch.path());
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", good.dossier));
    let name = only(&lyon).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with(&good.dossier.to_string()));
    let said = connector.wait_for(&swapped.dossier.to_string());
    assert!(said.contains("\"event\":\"later\"") || said.contains("\"event\":\"aside\""), "{said}");
    let refused =
        opened_trace(&house).await.into_iter().filter(|it| it.outcome() == Outcome::Refused).count();
    assert!(refused > 0, "the incident is on record");
}

#[tokio::test]
async fn names_that_meet_at_their_longest_are_told_apart() {
    let house = House::start("connector-names");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let name = format!("{}.pdf", "é".repeat(125));
    let document = |content: &[u8]| Document {
        name: name.clone(),
        media_type: "application/pdf".to_owned(),
        content: content.to_vec(),
    };
    let both = [document(b"one"), document(b"two")];
    let deposited =
        citizen.deposit(&lyon.scheme, &Stage::answers(), &both, now_ms(), &mut |_| {}).await.unwrap();
    let mut connector = Connected::program(&house, &[&lyon]).start(house.scratch.path());
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", deposited.dossier));
    let folder = only(&lyon);
    let manifest = Connected::said(&folder, "manifest.json");
    let files = manifest["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["name"] == name), "as their sender named them");
    let paths: Vec<_> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    let found = paths.iter().map(|path| std::fs::read(folder.join(path)).unwrap());
    assert_eq!(found.collect::<Vec<_>>(), [b"one", b"two"]);
    assert!(paths[0] != paths[1] && paths.iter().all(|path| path.ends_with(".pdf")), "{paths:?}");
}

fn damage(path: &Path) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().flatten().for_each(|inside| damage(&inside.path()));
        return;
    }
    let mut bytes = std::fs::read(path).unwrap();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_program_is_run_for_each_dossier_and_what_it_prints_is_a_decision() {
    let house = House::start("connector-program");
    let administrator = house.administrator().await;
    let elsewhere = house.scratch.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let script = "#!/bin/sh\n\
        case $SCEAU_KIND in accepted|refused) cp \"$1/decided.json\" ELSEWHERE/$SCEAU_DELIVERY; exit;; esac\n\
        test -f \"$1/manifest.json\" || exit 1\n\
        case $(cat \"$1\"/documents/*) in\n\
        bad*) exit 3;; silent*) exit;; moves*) mv \"$1\" ELSEWHERE;; removes*) rm -r \"$1\";; esac\n\
        echo '{\"decision\": \"accepted\", \"reason\": \"Repris.\"}'\n";
    let program = house.scratch.write("rh.sh", script.replace("ELSEWHERE", elsewhere.to_str().unwrap()));
    let handing = format!("program = [\"sh\", {program:?}]\n");
    let lyon = Connected::found(&house, &administrator, "Métropole").await.handing_to(&handing);
    lyon.grant_decisions().await;
    let citizen = house.citizen("cleo@example.org").await;
    let bad = lyon.deposit(&citizen, b"bad").await;
    let mut decided = Vec::new();
    for content in ["good", "moves its folder away", "removes its folder"] {
        decided.push(lyon.deposit(&citizen, content.as_bytes()).await.dossier);
    }
    let silent = lyon.deposit(&citizen, b"silent").await;
    let mut connector = Connected::program(&house, &[&lyon]).start(house.scratch.path());
    let said = connector.wait_for(&bad.dossier.to_string());
    assert!(said.contains("program_failed"), "{said}");
    let told = |dossier| format!("\"dossier\":\"{dossier}\",\"event\":\"told\"");
    for dossier in decided {
        connector.wait_for(&told(dossier));
        let view: Value = citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
        assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!("Repris.")));
    }

    // What a case officer decides, the program is told of.
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", silent.dossier));
    lyon.decides(&house, silent.dossier, "refused", "Hors délai.").await;
    connector.wait_for(&told(silent.dossier));
    let name = format!("{}.{}.refused", silent.dossier, &sha256(&silent.manifest).to_string()[..12]);
    let heard = Connected::said(&elsewhere, &name);
    assert_eq!((&heard["reason"], &heard["connector"]), (&json!("Hors délai."), &Value::Null));
    assert_eq!(heard["dossier"], silent.dossier.to_string());
    assert!(std::fs::read_dir(lyon.output.join(".incoming")).unwrap().next().is_none());
    assert_eq!(lyon.folders().len(), 3, "the bad one, the good one, the silent one");
}
