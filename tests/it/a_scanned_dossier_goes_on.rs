//! A dossier of a scanned scheme after its first day: more is asked for and joins it; a full disk, and a file above every limit, lose nothing.

use sceau_crypto::{Typ, jws};
use sceau_element_api::documents::{
    Answers, Decision, DecisionRole, Document as _, Manifest, Outcome, SealedFile,
};
use sceau_store::judge::BINARY_SIGNATURE;
use sceau_tests::{Cast, House, Scanned, now_ms, words};
use sceau_trace::sha256;
use serde_json::{Value, json};

use crate::documents_are_scanned_as_they_come_in::{opened, pdf};

/// The organisation's own software asks for more about a manifest.
async fn asks_for_more(cast: &Cast, manifest: &Manifest) {
    let decision = Decision {
        v: 1,
        dossier: manifest.dossier,
        organisation: manifest.organisation,
        manifest_hash: sha256(&manifest.to_bytes().unwrap()),
        decision: Outcome::MoreInformation,
        reason: "La facture manque.".to_owned(),
        decided_by: cast.officer.account.parse().unwrap(),
        connector: None,
        role: DecisionRole::CaseOfficer,
        time: now_ms(),
    };
    let signed = jws::sign(&cast.organisation.sign, Typ::Decision, &decision.to_bytes().unwrap());
    cast.organisation.machine.deliver_decision(&signed).await.unwrap();
}

#[tokio::test]
async fn more_information_comes_in_through_the_intake_and_joins_what_was_sent() {
    let scanned = Scanned::start("scanned-more", "");
    let cast = scanned.cast().await;
    let first = scanned.begin(&cast).await;
    let sent = pdf(50_000);
    let sent_as = first.pdf(sent.clone()).await.unwrap();
    let (manifest, _) = first.submit().await.unwrap();
    asks_for_more(&cast, &manifest).await;

    // The answers were given: they are neither asked for nor taken again.
    let (refused, status) = scanned.go_on(&cast, first.dossier, json!({"price": 1})).await.unwrap();
    assert_eq!((status, refused.said["code"].as_str()), (422, Some("form_incomplete")));
    let (more, status) = scanned.go_on(&cast, first.dossier, json!({})).await.unwrap();
    assert_eq!(status, 200, "{}", more.said);
    let mut infected = pdf(30_000);
    infected[20_000..20_008].copy_from_slice(&BINARY_SIGNATURE);
    assert_eq!(more.pdf(infected).await.unwrap_err(), "infected");
    let added = pdf(2_000_000);
    let added_as = more.pdf(added.clone()).await.unwrap();
    let finished = more.finish().await.unwrap();
    assert_eq!(finished["sealed_answers"], Value::Null);
    let new: Vec<SealedFile> = serde_json::from_value(finished["files"].clone()).unwrap();
    assert_eq!(new, std::slice::from_ref(&added_as), "the infected one is none of it");

    // The new file without its word, or the old ones without theirs: nothing comes in.
    let answers =
        || Answers { public: manifest.answers.public.clone(), sealed: manifest.answers.sealed.clone() };
    let files = [manifest.files.clone(), new].concat();
    for hostile in [manifest.words.clone(), words(&finished)] {
        let refused = more.submit_as(answers(), files.clone(), hostile).await.unwrap_err();
        assert_eq!(refused.code(), Some("not_scanned"));
    }
    let all = [manifest.words.clone(), words(&finished)].concat();
    let (whole, _) = more.submit_as(answers(), files, all).await.unwrap();
    assert_eq!(whole.files.len(), 3, "two documents and the answers");
    for (file, bytes) in [(&sent_as, &sent), (&added_as, &added)] {
        assert!(opened(&cast, &more, file).await.1 == *bytes);
    }
}

/// The most memory that the intake ever had, in KiB.
fn peak_of(scanned: &Scanned) -> u64 {
    let pid = scanned.intake.as_ref().unwrap().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_file_above_every_limit_is_refused_before_a_byte_of_it_arrives() {
    let scanned = Scanned::start("two-gigabytes", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    assert_eq!(visit.said["largest"], 1_u64 << 30, "the limit of one GiB, unless the operator says another");
    let announced = visit.announce("film.pdf", "application/pdf", 2 << 30).await;
    assert_eq!(announced.unwrap_err(), "file_too_large");
    // Who announces less and sends two gigabytes is stopped at what was announced: nothing of the rest is kept, in memory neither.
    let place = visit.announce("film.pdf", "application/pdf", 100_000).await.unwrap();
    let before = peak_of(&scanned);
    assert_eq!(visit.send(place, sceau_tests::large_body(2 << 30)).await.unwrap_err(), "wrong_size");
    assert_eq!(visit.finish().await.unwrap_err(), "form_incomplete");
    assert_eq!(scanned.house.objects_kept(), 0);
    let grown = peak_of(&scanned) - before;
    assert!(grown < 32 * 1024, "{grown} KiB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_platform_loses_nothing_that_was_acknowledged() {
    let house = House::start_on_small_disk("scanned-full", "platform", 24);
    let scanned = Scanned::start_in(house, "", "", &[]);
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let before = pdf(400_000);
    let before_as = visit.pdf(before.clone()).await.unwrap();
    let disk = scanned.house.disk.as_ref().unwrap();
    disk.fill();
    let place = visit.announce("pièce.pdf", "application/pdf", 2_500_000).await.unwrap();
    assert_eq!(visit.send(place, pdf(2_500_000)).await.unwrap_err(), "platform_away");
    visit.until(place, "announced").await;
    disk.make_room();
    let after_as = visit.send(place, pdf(2_500_000)).await.unwrap();
    visit.submit().await.unwrap();
    for (file, bytes) in [(&before_as, before), (&after_as, pdf(2_500_000))] {
        assert!(opened(&cast, &visit, file).await.1 == bytes);
    }
}
