//! Full disks on the organisation's side: of the key manager when a document is opened, of the connector in the middle of a dossier, of the antivirus
//! when it should look. No key leaves without its record, nothing lies about in clear, nothing is called clean; with room again everything goes on.
//! The platform's and the element's are in `servers_have_bad_days`.

use std::collections::BTreeMap;
use std::time::Duration;

use sceau_client::{ClientError, Document, Opened, ReadingPage};
use sceau_tests::{Connected, House, Premises, Running, Scanned, SmallDisk, Stage, now_ms, publish_scheme};
use sceau_trace::{Action, ActorKind, Outcome};
use serde_json::Value;
use tokio::time::interval;

use crate::documents_are_scanned_as_they_come_in::pdf;

#[tokio::test(flavor = "multi_thread")]
async fn the_key_managers_when_a_document_is_opened() {
    let house = House::start("keymanager-full");
    let administrator = house.administrator().await;
    let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
    premises.move_to_small_disk(&house, 8);
    premises.start_key_manager(&house);
    let scheme = publish_scheme(&staff.chief).await;
    let citizen = house.citizen("cleo@example.org").await;
    let document = Document {
        name: "pièce.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: b"%PDF-1.7 on a bad day".to_vec(),
    };
    let deposited = citizen.deposit(&scheme, &Stage::answers(), &[document], now_ms(), &mut |_| {}).await;
    let dossier = deposited.unwrap().dossier;
    let trust = premises.officer_trust();
    let read = async || -> Result<Opened, ClientError> {
        let link = staff.officer.ticket(dossier).await?;
        ReadingPage::open(&link, &house.origin, &trust, citizen.log_key()).await?.read().await
    };
    read().await.unwrap();

    let disk = premises.disk.as_ref().unwrap();
    disk.fill();
    // What the database has room for already, it still takes.
    let mut opened = 1;
    let refused = loop {
        match read().await {
            Ok(_) => opened += 1,
            Err(refused) => break refused,
        }
        assert!(opened < 100, "the disk is never full");
    };
    assert_eq!(refused.code(), Some("storage_full"), "{refused}");
    disk.make_room();
    read().await.unwrap();
    opened += 1;

    // Each opening that was answered is on record, in both traces, and no other but that of a part of a refused one.
    let keys = u64::try_from(2 * opened).unwrap();
    let records: Value = premises.administration().get("/v1/records").await.unwrap();
    assert!(!records.as_array().unwrap().is_empty());
    let granted = async || {
        let trace = sceau_tests::opened_trace(&house).await;
        let granted = |it: &&sceau_trace::Record| {
            *it.action() == Action::UNWRAP_OUTCOME
                && it.outcome() == Outcome::Granted
                && it.actor().kind == ActorKind::CaseOfficer
        };
        trace.iter().filter(granted).count() as u64
    };
    let mut turns = interval(Duration::from_millis(100));
    while granted().await < keys {
        turns.tick().await;
    }
    assert!(granted().await <= keys + 1);
    // What it wrote is whole: it starts again on it.
    premises.key_manager.take().unwrap().stop();
    premises.start_key_manager(&house);
    read().await.unwrap();
}

/// The dossiers that appeared, and how often each.
fn appeared(lyon: &Connected) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for folder in lyon.folders() {
        // What fills the disk lies there too.
        if let Some((dossier, _)) = folder.file_name().unwrap().to_str().unwrap().split_once('.') {
            *all.entry(dossier.to_owned()).or_default() += 1;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connectors_where_dossiers_appear() {
    let house = House::start("connector-full");
    let administrator = house.administrator().await;
    let mut lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let disk = SmallDisk::mount(&lyon.output, 8, house.scratch.path());
    lyon.output = disk.folder();
    let program = disk.within(&Connected::program(&house, &[&lyon]));
    let mut connector = program.start(house.scratch.path());
    let first = lyon.deposit(&citizen, b"before").await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", first.dossier));
    disk.fill();
    let sent = vec![7; 2_500_000];
    let second = lyon.deposit(&citizen, &sent).await;
    let said = connector.wait_for("\"code\":\"disk\"");
    assert!(said.contains("\"event\":\"later\"") && said.contains("No space left"), "{said}");
    assert_eq!(appeared(&lyon).len(), 1, "nothing appears that is not whole");
    let aside = std::fs::read_dir(lyon.output.join(".incoming")).unwrap().count();
    assert_eq!(aside, 0, "what was written of it does not lie about");
    disk.make_room();
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", second.dossier));
    assert!(connector.stop().success());
    assert!(appeared(&lyon).values().all(|times| *times == 1) && appeared(&lyon).len() == 2);
    let of_second = |path: &std::path::PathBuf| {
        path.file_name().unwrap().to_str().unwrap().starts_with(&second.dossier.to_string())
    };
    let folder = lyon.folders().into_iter().find(of_second).unwrap();
    assert!(std::fs::read(folder.join("documents/pièce.pdf")).unwrap() == sent, "byte for byte");
}

/// Until it hands this dossier over, or ends.
async fn settles(connector: &mut Running, dossier: &str) -> bool {
    let words = format!("\"dossier\":\"{dossier}\",\"event\":\"handed_over\"");
    let mut turns = interval(Duration::from_millis(50));
    while connector.is_alive() {
        if connector.log().contains(&words) {
            return true;
        }
        turns.tick().await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connectors_where_its_journal_is() {
    let house = House::start("connector-journal-full");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let state = house.scratch.join(&format!("{}.state", lyon.premises.organisation));
    let disk = SmallDisk::mount(&state, 4, house.scratch.path());
    let program = disk.within(&Connected::program(&house, &[&lyon]));
    let mut connector = program.start(house.scratch.path());
    let first = lyon.deposit(&citizen, b"before").await;
    assert!(settles(&mut connector, &first.dossier.to_string()).await);
    disk.fill();
    // The journal has some room in its last page.
    let mut deposited = vec![first.dossier.to_string()];
    loop {
        let next = lyon.deposit(&citizen, b"more and more").await.dossier.to_string();
        deposited.push(next.clone());
        if !settles(&mut connector, &next).await {
            break;
        }
    }
    // Without its journal it takes no step, and whoever runs it is told why.
    let log = connector.ended();
    assert!(log.contains("the journal cannot be kept") && log.contains("No space left"), "{log}");
    disk.make_room();
    let mut again = program.named("connect-again").start(house.scratch.path());
    let last = lyon.deposit(&citizen, b"after").await.dossier.to_string();
    assert!(settles(&mut again, &last).await);
    deposited.push(last);
    let once: BTreeMap<String, usize> = deposited.into_iter().map(|dossier| (dossier, 1)).collect();
    assert_eq!(appeared(&lyon), once, "each once");
    assert!(!again.log().contains("\"event\":\"aside\""), "none a second time: {}", again.log());
    assert!(again.stop().success());
}

#[tokio::test]
async fn the_antivirus_s_when_it_should_look() {
    let house = House::start("antivirus-full");
    let disk = SmallDisk::mount(&house.scratch.join("spool"), 4, house.scratch.path());
    let settings = format!("StreamMaxLength 64M\nTemporaryDirectory {}", disk.folder().display());
    let scanned = Scanned::start_in(house, &settings, "", &[]);
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    disk.fill();
    let bytes = pdf(2_000_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    assert_eq!(visit.send(place, bytes.clone()).await.unwrap_err(), "antivirus_away");
    visit.until(place, "waiting_for_antivirus").await;
    assert_eq!(visit.finish().await.unwrap_err(), "form_incomplete");
    disk.make_room();
    visit.send(place, bytes).await.unwrap();
    visit.submit().await.unwrap();
}
