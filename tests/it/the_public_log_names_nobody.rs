//! Whoever reads the whole public log, entry by entry, as tiles, and with the evidence that anyone may fetch, finds no account, no credential, no
//! dossier and no file in it; the same search finds the organisation, and finds the dossier in the evidence that its depositor holds.

use sceau_element_api::documents::{Document as _, Manifest, Outcome};
use sceau_tests::{Found, Needle, Stage, now_ms, opened_trace, search};
use sceau_trace::{ActorKind, Record};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_public_log_names_nobody() {
    let stage = Stage::set("nobody-named").await;
    let deposited = stage.deposit(b"who, what and when").await;
    let page = stage.reading(deposited.dossier).await;
    let manifest = Manifest::parse(&deposited.manifest).unwrap().document;
    let file = manifest.files[0].file_id.to_string();
    page.get_bytes(&format!("/v1/reading/{}/files/{file}/parts/0", deposited.dossier)).await.unwrap();
    let decision = stage.decision(&deposited.manifest, Outcome::Accepted, now_ms());
    let decided = stage.organisation.machine.deliver_decision(&decision).await.unwrap();
    // A refusal is a record as well.
    stage.officer.ticket(sceau_element_api::DossierId::random()).await.unwrap_err();

    let public = public_log(&stage).await;
    let needles = people_and_things(&stage, &deposited.dossier.to_string(), &file).await;
    assert_eq!(found(&public, &needles), []);

    let organisation = id("organisation", &stage.organisation.enrolled.organisation.to_string());
    for (place, bytes) in &public {
        let clear = place.starts_with("tile") || place == "records";
        assert!(
            !clear || !found(&[(place.clone(), bytes.clone())], &organisation).is_empty(),
            "{place} names nothing"
        );
    }
    let held = [deposited.evidence, decided]
        .map(|evidence| ("evidence".to_owned(), evidence.to_string().into_bytes()));
    for evidence in held {
        assert!(
            !found(&[evidence], &id("dossier", &deposited.dossier.to_string())).is_empty(),
            "their own says it"
        );
    }
}

/// Everything that anyone may fetch of the log.
async fn public_log(stage: &Stage) -> Vec<(String, Vec<u8>)> {
    let server = stage.nobody();
    let checkpoint = server.get_bytes("/trace/checkpoint").await.unwrap();
    let size: u64 = std::str::from_utf8(&checkpoint).unwrap().lines().nth(1).unwrap().parse().unwrap();
    assert!((20..256).contains(&size), "{size} records: one bundle holds them");
    let tile = format!("tile/entries/000.p/{size}");
    let mut public = vec![
        ("checkpoint".to_owned(), checkpoint.to_vec()),
        (tile.clone(), server.get_bytes(&format!("/trace/{tile}")).await.unwrap().to_vec()),
    ];
    let entries = stage.public_entries().await;
    assert!(entries.iter().all(|entry| Record::parse(entry).is_ok()));
    public.push(("records".to_owned(), entries.concat()));
    for index in 0..size {
        let evidence: Value = server.get(&format!("/v1/trace/evidence/{index}")).await.unwrap();
        public.push((format!("evidence {index}"), evidence.to_string().into_bytes()));
        // The record inside is base64url: what a search of base64 at each offset misses, it sees here.
        let record = evidence["record"].as_str().unwrap();
        let record = sceau_element_api::Base64Url::decode(record).unwrap();
        public.push((format!("record {index}"), record.0));
    }
    public
}

/// Every id that names a person or a person's thing: those of the story, and whatever else the element's own evidence opens.
async fn people_and_things(stage: &Stage, dossier: &str, file: &str) -> Vec<Needle> {
    let mut needles = [id("dossier", dossier), id("file", file)].concat();
    for person in [&stage.administrator, &stage.chief, &stage.officer, &stage.citizen] {
        needles.extend(id("account", &person.account));
    }
    let before = needles.len();
    for record in opened_trace(&stage.house).await {
        let machine = [ActorKind::Client, ActorKind::KeyManager, ActorKind::Platform, ActorKind::Element];
        if !machine.contains(&record.actor().kind) {
            needles.extend(id("actor", &record.actor().id));
        }
        let personal = ["account", "credential", "dossier", "file", "manifest", "decision"];
        let subjects = record.subjects().iter().map(|subject| (&subject.kind, &subject.id));
        let attested = record.attested().map(|row| (&row.kind, &row.id));
        for (kind, value) in subjects.chain(attested) {
            if personal.contains(&kind.as_str()) {
                needles.extend(id(kind, value));
            }
        }
    }
    assert!(needles.len() > before + 20, "the evidence opens what the log hides");
    needles
}

/// An id as it is written, and the bytes that it stands for.
fn id(name: &str, text: &str) -> Vec<Needle> {
    assert!(!text.starts_with("hmac:"), "{name}: {text} is not opened");
    let bytes = hex::decode(text.replace('-', "")).ok().filter(|bytes| bytes.len() >= 12);
    let bytes = bytes.map(|bytes| Needle::new(name, &bytes));
    [Some(Needle::text(name, text)), bytes].into_iter().flatten().collect()
}

fn found(haystacks: &[(String, Vec<u8>)], needles: &[Needle]) -> Vec<Found> {
    haystacks.iter().flat_map(|(place, bytes)| search(place, bytes, needles)).collect()
}
