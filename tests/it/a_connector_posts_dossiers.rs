//! Dossiers posted to an HR system that somebody else wrote (Python), scanned by a real ClamAV before.

use sceau_client::ReadingPage;
use sceau_store::judge::{BINARY_SIGNATURE, ClamavJudge};
use sceau_tests::{Connected, House, HrSystem, opened_trace};
use sceau_trace::{Action, ActorKind, sha256};
use serde_json::{Value, json};

fn handed(dossier: &impl ToString) -> String {
    format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", dossier.to_string())
}

#[tokio::test]
async fn each_is_scanned_posted_whole_and_decided_by_the_answer() {
    let house = House::start("connector-posting");
    let mut clamd = ClamavJudge::start("").unwrap();
    let antivirus = format!("[antivirus]\nclamd = [\"{}\"]\n", clamd.address());
    let administrator = house.administrator().await;
    let mut hr = HrSystem::start(&house);
    let lyon = Connected::found(&house, &administrator, "Métropole").await.handing_to(&hr.handover());
    lyon.grant_decisions().await;
    let citizen = house.citizen("cleo@example.org").await;
    let infected = lyon.deposit(&citizen, &[b"decide ".as_slice(), &BINARY_SIGNATURE].concat()).await;
    let content = [b"decide ".as_slice(), &[7; 3_000_000]].concat();
    let good = lyon.deposit(&citizen, &content).await;
    let program = Connected::program_with(&house, &[&lyon], &antivirus);
    let mut connector = program.start(house.scratch.path());

    // What is infected reaches nobody, and lies nowhere; it is shown, and the organisation's people can decide on it.
    let said = connector.wait_for("\"event\":\"aside\"");
    assert!(said.contains(&infected.dossier.to_string()) && said.contains("Sceau.Test.Binary"), "{said}");
    let link = lyon.staff.officer.ticket(infected.dossier).await.unwrap();
    let officer = lyon.premises.officer_trust();
    let page = ReadingPage::open(&link, &house.origin, &officer, administrator.log_key()).await.unwrap();
    page.decide("refused", "Le document porte un virus.").await.unwrap();
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", infected.dossier)).await.unwrap();
    assert_eq!(view["state"], "refused");

    // What is clean arrives whole, in one request, and what the system answers is signed as its decision.
    let key = format!("{}.{}", good.dossier, &sha256(&good.manifest).to_string()[..12]);
    let taken = hr.wait_for(&key);
    let fields: Vec<_> =
        taken["parts"].as_array().unwrap().iter().map(|part| part["field"].clone()).collect();
    assert_eq!(fields, ["manifest", "answers", "document"]);
    let document = &taken["parts"][2];
    assert_eq!((&document["name"], &document["size"]), (&json!("pièce.pdf"), &json!(content.len())));
    assert_eq!(document["sha256"], sha256(&content).to_string());
    connector.wait_for("\"event\":\"decided\"");
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", good.dossier)).await.unwrap();
    assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!("Repris.")));
    assert!(lyon.folders().is_empty(), "what was posted does not lie about");

    // It is told of the decision, with what shows it; not of one on a dossier that it does not have.
    let said = hr.wait_for(&format!("{key}.accepted"));
    let fields: Vec<_> = said["parts"].as_array().unwrap().iter().map(|part| part["field"].clone()).collect();
    assert_eq!(fields, ["decided", "decision", "evidence"]);
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"told\"", good.dossier));
    let told = hr.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0].1["connector"], &told[0].1["reason"]), (&json!("paie"), &json!("Repris.")));

    // The trace tells the connector's decision from the officer's.
    let trace = opened_trace(&house).await;
    let decisions = trace.iter().filter(|it| *it.action() == Action::DECISION && it.attested().is_none());
    let mut by: Vec<_> = decisions.map(|it| (it.actor().kind, it.actor().id.clone())).collect();
    by.sort_by_key(|(kind, _)| *kind == ActorKind::Client);
    assert_eq!(by.len(), 2, "{by:?}");
    assert_eq!((by[0].0, &by[1]), (ActorKind::CaseOfficer, &(ActorKind::Client, "paie".to_owned())));
    let attested = trace.iter().filter(|it| it.attested().is_some_and(|row| row.kind == "decision"));
    let named: Vec<_> = attested.map(|it| it.detail().get("connector").map(String::as_str)).collect();
    assert_eq!(named, [None, Some("paie")]);

    // An antivirus that is away, and a system that is busy, hold a dossier up and lose none.
    clamd.fall();
    let waiting = lyon.deposit(&citizen, b"busy at first").await;
    connector.wait_for("\"code\":\"antivirus\"");
    clamd.go_on().unwrap();
    connector.wait_for("\"code\":\"receiver_away\"");
    connector.wait_for(&handed(&waiting.dossier));
    let bad = lyon.deposit(&citizen, b"bad from the beginning").await;
    let said = connector.wait_for("\"code\":\"receiver_refused\"");
    assert!(said.contains(&bad.dossier.to_string()), "{said}");
    assert_eq!(hr.taken().len(), 2);
    assert!(connector.stop().success());
    let status = program.arg("--status").run().success().text();
    for (dossier, code) in [(&infected.dossier, "infected"), (&bad.dossier, "receiver_refused")] {
        assert!(status.contains(code) && status.contains(&dossier.to_string()), "{status}");
    }
    assert_eq!(std::fs::read_dir(lyon.output.join(".incoming")).unwrap().count(), 0);
}

/// Bytes of a large document; set `SCEAU_LARGE` to a number of bytes to try another size by hand.
fn large() -> usize {
    std::env::var("SCEAU_LARGE").ok().and_then(|size| size.parse().ok()).unwrap_or(80 << 20)
}

#[tokio::test]
async fn a_large_document_passes_in_a_bounded_memory() {
    let house = House::start("connector-large");
    let administrator = house.administrator().await;
    let mut hr = HrSystem::start(&house);
    let lyon = Connected::found(&house, &administrator, "Métropole").await.handing_to(&hr.handover());
    let citizen = house.citizen("cleo@example.org").await;
    let content: Vec<u8> = (0..large()).map(|at| (at % 253) as u8).collect();
    let deposited = lyon.deposit(&citizen, &content).await;
    let mut connector = Connected::program(&house, &[&lyon]).start(house.scratch.path());
    connector.wait_for(&handed(&deposited.dossier));
    let taken = hr.wait_for(&deposited.dossier.to_string());
    assert_eq!(taken["parts"][2]["sha256"], sha256(&content).to_string());
    let status = std::fs::read_to_string(format!("/proc/{}/status", connector.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak: u64 = peak.unwrap().trim().parse().unwrap();
    eprintln!("{} MiB: the connector took {} MiB", content.len() >> 20, peak >> 10);
    assert!(peak < 72 << 10, "{peak} KiB");
}
