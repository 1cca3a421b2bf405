//! After a withdrawal: what was deposited passes to the new key, what is forged does not, and what was cut short goes on.

use sceau_crypto::envelope::UnverifiedHeader;
use sceau_crypto::{Cek, wrap_cek};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{KeyStatement, KeyUse};
use sceau_keymanager::{Error, NotRewrapped, WithdrawalReason};
use serde_json::{Value, json};

use crate::support::world::AssertWell as _;
use crate::support::{Bad, SealedDossier, World};

/// The dossier as the platform keeps it.
fn kept(world: &World, dossier: &SealedDossier) -> String {
    let id = dossier.manifest.dossier.to_string();
    let file =
        json!({"file_id": dossier.manifest.files[0].file_id, "header": Base64Url(dossier.header.clone())});
    let mut inside = world.platform.lock();
    let sealed = json!({
        "manifest": Base64Url(dossier.payload.clone()), "manifest_evidence": dossier.evidence,
        "scheme": Base64Url(dossier.scheme.clone()), "files": [file],
    });
    inside.sealed.insert(id.clone(), sealed);
    inside.in_use.push((id.clone(), dossier.manifest.key_id.to_string()));
    id
}

/// A key that was withdrawn, with these dossiers under it.
async fn withdrawn(count: usize) -> (World, KeyStatement, Vec<SealedDossier>) {
    let world = World::connected().await;
    let key = world.statement(KeyUse::Encrypt);
    let dossiers: Vec<SealedDossier> = (0..count).map(|_| SealedDossier::deposit(&world)).collect();
    for dossier in &dossiers {
        kept(&world, dossier);
    }
    world.manager.withdraw_keys(WithdrawalReason::Suspected).await.unwrap();
    (world, key, dossiers)
}

/// The header that the platform has now.
fn header(world: &World, dossier: &SealedDossier) -> Vec<u8> {
    let inside = world.platform.lock();
    let text = &inside.sealed[&dossier.manifest.dossier.to_string()]["files"][0]["header"];
    Base64Url::decode(text.as_str().unwrap()).unwrap().to_vec()
}

fn put(world: &World, dossier: &SealedDossier, header: Vec<u8>) {
    let mut inside = world.platform.lock();
    let sealed = inside.sealed.get_mut(&dossier.manifest.dossier.to_string()).unwrap();
    sealed["files"][0]["header"] = json!(Base64Url(header));
}

async fn opens(world: &World, dossier: &SealedDossier) -> Value {
    let (officer, _) = world.officer().await;
    let shown = SealedDossier { header: header(world, dossier), ..dossier.clone() };
    officer.post("/v1/unwrap", &shown.request()).await.json()
}

#[tokio::test]
async fn the_next_tick_does_it_and_the_old_key_can_go() {
    let (world, key, dossiers) = withdrawn(2).await;
    assert!(matches!(world.manager.destroy_key(&key.key_id).await, Err(Error::KeyNeeded(_))));
    world.manager.tick().await.assert_well();
    let current = world.statement(KeyUse::Encrypt).key_id;
    for dossier in &dossiers {
        let header = UnverifiedHeader::parse(&header(&world, dossier)).unwrap();
        assert!(matches!(header.stanzas(), [only] if only.key_id == current));
    }
    world.manager.tick().await.assert_well();
    world.manager.destroy_key(&key.key_id).await.unwrap();
    for dossier in &dossiers {
        dossier.assert_opened(&opens(&world, dossier).await);
    }
    let evidence = world.manager.certificate_of_destruction(&key.key_id).await.unwrap();
    let record = evidence.verify(Some(world.manager.log_key())).unwrap().record;
    assert_eq!(record.detail()["grounds"], "withdrawn_and_rewrapped");
    let records = world.administrator().await.get("/v1/records").await.json().to_string();
    assert_eq!(records.matches("rewrap.intent").count(), 2, "once each");
}

#[tokio::test]
async fn a_header_that_was_forged_stays_and_so_does_its_key() {
    let (world, key, dossiers) = withdrawn(3).await;
    let recipient = key.recipient_key().unwrap();
    let file = |dossier: &SealedDossier| dossier.manifest.files[0].file_id;
    // A content key of somebody else's, and a byte of the stanzas' authentication.
    let parsed = UnverifiedHeader::parse(&dossiers[0].header).unwrap();
    let foreign = wrap_cek(&recipient, &file(&dossiers[0]), &Cek::random()).wrapped;
    let own = &parsed.stanzas()[0].wrapped;
    let at = dossiers[0].header.windows(own.len()).position(|window| window == own).unwrap();
    let mut swapped = dossiers[0].header.clone();
    swapped[at..at + own.len()].copy_from_slice(&foreign);
    put(&world, &dossiers[0], swapped);
    let mut altered = dossiers[1].header.clone();
    *altered.last_mut().unwrap() ^= 1;
    put(&world, &dossiers[1], altered);
    let passed = world.manager.rewrap().await.unwrap();
    assert_eq!((passed.found, passed.done), (3, 1), "the others are not held back");
    let of = |NotRewrapped { dossier, code }: &NotRewrapped| (dossier.clone(), code.clone());
    let mut failed: Vec<(String, String)> = passed.failed.iter().map(of).collect();
    failed.sort_by(|a, b| a.1.cmp(&b.1));
    let codes: Vec<&str> = failed.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(codes, ["envelope_commitment", "header_forged"]);
    assert!(matches!(world.manager.destroy_key(&key.key_id).await, Err(Error::KeyNeeded(_))));
    // As they were: the next tick takes them up again.
    for dossier in &dossiers[..2] {
        put(&world, dossier, dossier.header.clone());
    }
    world.manager.tick().await.assert_well();
    assert_eq!(world.manager.rewrap().await.unwrap().found, 0);
    world.manager.destroy_key(&key.key_id).await.unwrap();
    for dossier in &dossiers {
        dossier.assert_opened(&opens(&world, dossier).await);
    }
}

#[tokio::test]
async fn a_header_that_only_names_the_new_key_does_not_end_the_old_one() {
    let (world, key, dossiers) = withdrawn(1).await;
    let current = world.statement(KeyUse::Encrypt).key_id;
    let mut named = dossiers[0].header.clone();
    let at = named.windows(32).position(|window| window == key.key_id.as_bytes()).unwrap();
    named[at..at + 32].copy_from_slice(current.as_bytes());
    let only = UnverifiedHeader::parse(&named).unwrap();
    assert!(matches!(only.stanzas(), [only] if only.key_id == current));
    put(&world, &dossiers[0], named);
    let passed = world.manager.rewrap().await.unwrap();
    assert_eq!((passed.found, passed.done, passed.failed.len()), (1, 0, 1));
    assert!(matches!(world.manager.destroy_key(&key.key_id).await, Err(Error::KeyNeeded(_))));
    put(&world, &dossiers[0], dossiers[0].header.clone());
    assert_eq!(world.manager.rewrap().await.unwrap().failed, []);
    dossiers[0].assert_opened(&opens(&world, &dossiers[0]).await);
}

#[tokio::test]
async fn another_dossiers_headers_or_manifest_are_not_taken() {
    let (world, _, dossiers) = withdrawn(2).await;
    let id = |at: usize| dossiers[at].manifest.dossier.to_string();
    let (mut own, other) = {
        let sealed = &world.platform.lock().sealed;
        (sealed[&id(0)].clone(), sealed[&id(1)].clone())
    };
    world.platform.lock().sealed.insert(id(0), other);
    let passed = world.manager.rewrap().await.unwrap();
    assert_eq!(passed.failed, [NotRewrapped { dossier: id(0), code: "manifest_not_attested".to_owned() }]);
    // This file's header, under the name of another.
    own["files"][0]["file_id"] = json!(dossiers[1].manifest.files[0].file_id);
    world.platform.lock().sealed.insert(id(0), own);
    let passed = world.manager.rewrap().await.unwrap();
    assert_eq!(passed.failed, [NotRewrapped { dossier: id(0), code: "header_of_another_file".to_owned() }]);
}

#[tokio::test]
async fn only_what_is_sealed_to_a_withdrawn_key_passes_by_itself() {
    let world = World::connected().await;
    let retired = SealedDossier::deposit(&world);
    kept(&world, &retired);
    world.manager.rotate().await.unwrap();
    world.manager.tick().await.assert_well();
    let exposed = SealedDossier::deposit(&world);
    kept(&world, &exposed);
    assert_ne!(retired.manifest.key_id, exposed.manifest.key_id);
    world.manager.withdraw_keys(WithdrawalReason::Suspected).await.unwrap();
    world.manager.tick().await.assert_well();
    let key_of = |dossier| UnverifiedHeader::parse(&header(&world, dossier)).unwrap().stanzas()[0].key_id;
    assert_eq!(key_of(&retired), retired.manifest.key_id, "nobody asked for it");
    assert_eq!(key_of(&exposed), world.statement(KeyUse::Encrypt).key_id);
}

#[tokio::test]
async fn what_was_cut_short_goes_on_and_an_answer_that_was_lost_changes_nothing() {
    let (world, key, dossiers) = withdrawn(2).await;
    world.platform.misbehave(Bad::NoHeaders);
    assert!(world.manager.rewrap().await.is_err());
    world.platform.misbehave(Bad::LosesAnswers);
    assert!(world.manager.rewrap().await.is_err(), "one was exchanged, and we did not hear of it");
    let world = world.restart(sceau_keymanager::Settings::default()).await;
    world.platform.misbehave(None);
    world.manager.tick().await.assert_well();
    world.manager.tick().await.assert_well();
    // The one whose answer was lost is not named any more under the old key: it was looked at because it had been begun.
    let passed = world.manager.rewrap().await.unwrap();
    assert_eq!((passed.found, passed.failed.len()), (0, 0));
    for dossier in &dossiers {
        dossier.assert_opened(&opens(&world, dossier).await);
    }
    world.manager.destroy_key(&key.key_id).await.unwrap();
}
