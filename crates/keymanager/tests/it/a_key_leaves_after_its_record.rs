//! Intent on disk before the key, outcome on disk before the answer, both delivered to the platform; no record, no key.

use sceau_element_api::Base64Url;
use sceau_store::Statement;
use sceau_trace::{Bundle, Evidence, LogTree, Record, SignedCheckpoint, leaf_hash};

use crate::support::world::AssertWell as _;
use crate::support::{Bad, Browser, SealedDossier, World};

fn actions(records: &[Record]) -> Vec<(String, String)> {
    records
        .iter()
        .filter(|record| record.action().as_str().starts_with("unwrap"))
        .map(|record| (record.action().to_string(), record.code().to_owned()))
        .collect()
}

#[tokio::test]
async fn an_officer_opens_and_both_traces_say_so() {
    let world = World::connected().await;
    let (officer, account) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let answer = officer.post("/v1/unwrap", &dossier.request()).await.json();
    dossier.assert_opened(&answer);

    let shown = world.administrator().await.get("/v1/records").await.json();
    let index = answer["record_index"].as_u64().unwrap();
    let own = shown.as_array().unwrap().iter().find(|each| each["index"] == index).unwrap();
    assert_eq!(own["record"]["action"], "unwrap.outcome");
    assert_eq!(own["record"]["outcome"], "granted");
    assert_eq!(own["record"]["actor"]["id"], account.to_string());
    assert_eq!(own["delivered"], false);

    world.manager.tick().await.assert_well();
    let delivered = world.platform.lock().records.clone();
    let expected =
        [("unwrap.intent".to_owned(), String::new()), ("unwrap.outcome".to_owned(), String::new())];
    assert_eq!(actions(&delivered), expected);
    let outcome = delivered.iter().find(|record| record.action().as_str() == "unwrap.outcome").unwrap();
    let subjects: Vec<&str> = outcome.subjects().iter().map(|subject| subject.id.as_str()).collect();
    let file = dossier.manifest.files[0].file_id.to_string();
    assert_eq!(subjects, [dossier.manifest.dossier.to_string().as_str(), &file]);
    let manifest = sceau_trace::sha256(&dossier.payload).to_string();
    for record in delivered.iter().filter(|record| record.action().as_str().starts_with("unwrap")) {
        assert!(
            !serde_json::to_string(record).unwrap().contains(&manifest),
            "everyone could tell which deposit it is of"
        );
    }
    let text = serde_json::to_string(outcome).unwrap();
    assert!(!text.contains("Anaïs"), "a name never leaves the premises: {text}");
}

#[tokio::test]
async fn without_a_durable_record_no_key_leaves() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let database = world.database().await;
    let full = "CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    database.execute(Statement::new("FULL", full), &[]).await.unwrap();
    let refused = officer.post("/v1/unwrap", &dossier.request()).await;
    assert_eq!((refused.status, refused.code().as_str()), (500, "internal"));
    assert!(!String::from_utf8_lossy(&refused.body).contains("disk full"), "causes stay inside");

    // The intent goes through, the outcome does not: still no key.
    database.execute(Statement::new("EMPTY", "DROP TRIGGER full"), &[]).await.unwrap();
    let later = "CREATE TRIGGER full BEFORE INSERT ON record WHEN \
        instr(CAST(NEW.leaf AS TEXT), 'unwrap.outcome') > 0 BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    database.execute(Statement::new("FULL", later), &[]).await.unwrap();
    assert_eq!(officer.post("/v1/unwrap", &dossier.request()).await.code(), "internal");

    // The tree in memory went back with the disk: the trace goes on, whole.
    database.execute(Statement::new("EMPTY", "DROP TRIGGER full"), &[]).await.unwrap();
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    let world = world.restart(sceau_keymanager::Settings::default()).await;
    verified_trace(&world).await;
}

#[tokio::test]
async fn records_wait_for_the_platform_and_are_delivered_once() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    for bad in [Bad::Away, Bad::RefusesRecords] {
        world.platform.misbehave(bad);
        dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
        world.manager.tick().await;
        world.clock.advance(400_000);
        assert_eq!(actions(&world.platform.lock().records), []);
    }
    let world = world.restart(sceau_keymanager::Settings::default()).await;
    world.platform.misbehave(None);
    world.clock.advance(400_000);
    world.manager.tick().await.assert_well();
    assert_eq!(actions(&world.platform.lock().records).len(), 4);
    world.clock.advance(400_000);
    world.manager.tick().await.assert_well();
    assert_eq!(actions(&world.platform.lock().records).len(), 4, "nothing twice");
    let status = world.administrator().await.get("/v1/status").await.json();
    assert_eq!(status["pending_records"], 1, "only the administrator's new certificate");
}

#[tokio::test]
async fn a_restart_keeps_the_trace_and_it_only_grows() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    officer.post("/v1/unwrap", &dossier.request()).await.json();
    let administrator = world.administrator().await;
    let before = verified_trace_for(&world, &administrator).await;
    let world = world.restart(sceau_keymanager::Settings::default()).await;
    assert_eq!(verified_trace_for(&world, &administrator).await, before);
    dossier.assert_opened(&officer.post("/v1/unwrap", &dossier.request()).await.json());
    let after = verified_trace_for(&world, &administrator).await;
    assert_eq!(after[..before.len()], before[..], "what was there is there");
    let since: Vec<_> = after[before.len()..].iter().map(|entry| Record::parse(entry).unwrap()).collect();
    let since: Vec<&str> = since.iter().map(|record| record.action().as_str()).collect();
    assert_eq!(
        since,
        ["log.watch", "log.watch", "unwrap.intent", "unwrap.outcome"],
        "compared once, then opened"
    );
}

#[tokio::test]
async fn many_at_once_and_cut_connections_leave_a_whole_trace() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let request = dossier.request();
    let asked: Vec<_> = (0..24)
        .map(|n| {
            let (officer, request) = (officer.clone(), request.clone());
            // Every third one hangs up as soon as it has asked.
            tokio::spawn(async move {
                if n % 3 == 0 {
                    officer.hang_up("/v1/unwrap", &request).await;
                    return None;
                }
                Some(officer.post("/v1/unwrap", &request).await.json())
            })
        })
        .collect();
    for each in asked {
        if let Some(answer) = each.await.unwrap() {
            dossier.assert_opened(&answer);
        }
    }
    dossier.assert_opened(&officer.post("/v1/unwrap", &request).await.json());
    let entries = verified_trace(&world).await;
    let count = |text: &str| entries.iter().filter(|e| String::from_utf8_lossy(e).contains(text)).count();
    assert!(count("unwrap.outcome") >= 17 && count("unwrap.intent") >= count("unwrap.outcome"));
}

#[tokio::test]
async fn any_record_has_its_evidence() {
    let world = World::connected().await;
    let browser = world.administrator().await;
    let evidence = browser.get("/v1/trace/evidence/1").await.json();
    let evidence = Evidence::parse(evidence.to_string().as_bytes()).unwrap();
    let verified = evidence.verify(Some(world.manager.log_key())).unwrap();
    assert_eq!((verified.index, verified.key_pinned), (1, true));
    assert_eq!(browser.get("/v1/trace/evidence/1000").await.code(), "not_found");
}

/// Reads the served trace as an administrator: checkpoint under the log key, entries, and that the ones are what the other covers.
async fn verified_trace(world: &World) -> Vec<Vec<u8>> {
    verified_trace_for(world, &world.administrator().await).await
}

async fn verified_trace_for(world: &World, browser: &Browser) -> Vec<Vec<u8>> {
    let note = browser.get("/trace/checkpoint").await;
    let note = SignedCheckpoint::parse(std::str::from_utf8(&note.body).unwrap()).unwrap();
    let checkpoint = note.verify(world.manager.log_key()).unwrap();
    let bundle = Bundle::at(0, checkpoint.size()).unwrap();
    let served = browser.get(&format!("/trace/{bundle}")).await;
    assert_eq!(served.status, 200);
    let entries = bundle.parse_bytes(&served.body).unwrap();
    let tree: LogTree = entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(tree.root(), checkpoint.root());
    let tile = sceau_trace::Tile::at(0, 0, checkpoint.size()).unwrap();
    assert_eq!(browser.get(&format!("/trace/{tile}")).await.body, tile.bytes(&tree).unwrap());
    let wider = format!("/trace/tile/entries/000.p/{}", checkpoint.size() + 1);
    assert_eq!(browser.get(&wider).await.code(), "not_found");
    entries
}

#[tokio::test]
async fn an_rsa_organisation_opens_too() {
    let settings = sceau_keymanager::Settings {
        suite: sceau_crypto::RecipientSuite::RsaOaep256,
        ..sceau_keymanager::Settings::default()
    };
    let world = World::with(settings).await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    assert_eq!(dossier.manifest.key_id.to_string().len(), 64);
    let answer = officer.post("/v1/unwrap", &dossier.request()).await.json();
    dossier.assert_opened(&answer);
    assert_eq!(Base64Url::decode(answer["cek"].as_str().unwrap()).unwrap().len(), 32);
}
