//! The headers of a dossier are exchanged in the signed word of its organisation's key manager, for its key in use, and nothing else of them changes.

use sceau_client::{ClientError, FileHeader, Person};
use sceau_crypto::envelope::UnverifiedHeader;
use sceau_crypto::{RecipientKey, RecipientPrivateKey, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_element_api::documents::{Document as _, HeaderList, KeyStatement, KeySuite, KeyUse};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{Base64Url, DossierId};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Hash};
use serde_json::Value;

use crate::support::{Office, World, told};

struct Scene {
    world: World,
    administrator: Person,
    office: Office,
    citizen: Person,
    dossier: DossierId,
    old: Vec<FileHeader>,
    next: RecipientKey,
}

impl Scene {
    /// A dossier under the first key, and a second one stated since.
    async fn set() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let office = world.office(&administrator, "lyon").await;
        let citizen = world.citizen("lea@example.org").await;
        let dossier = office.deposit(&citizen, world.clock_now()).await.dossier;
        let old = office.machine.sealed_dossier(&dossier.to_string()).await.unwrap().files;
        let next = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap()).recipient_key().clone();
        let scene = Self { world, administrator, office, citizen, dossier, old, next };
        scene.state_next().await;
        scene
    }

    async fn state_next(&self) {
        let statement = KeyStatement {
            v: 1,
            organisation: self.office.id,
            key_use: KeyUse::Encrypt,
            suite: KeySuite::XWing,
            key_id: self.next.key_id(),
            public_key: self.next.public().to_vec().into(),
            not_before: self.world.clock_now() - 1000,
            not_after: self.world.clock_now() + 400 * 86_400_000,
            predecessor: Some(self.office.private.recipient_key().key_id()),
            serial: 2,
            key_manager: "https://cles-lyon.localhost:8443".to_owned(),
            root_key: self.office.root.verifying_key().as_bytes().to_vec().into(),
            withdraws_predecessor: true,
        };
        let signed = jws::sign(&self.office.root, Typ::KeyStatement, &statement.to_bytes().unwrap());
        self.office.machine.publish_key(&signed).await.unwrap();
    }

    fn sealed_to(&self, key: &RecipientKey) -> Vec<FileHeader> {
        let rewrap = |file: &FileHeader| {
            let header = UnverifiedHeader::parse(&file.header).unwrap().unlock(&self.office.private).unwrap();
            let bytes = header.rewrap(std::slice::from_ref(key)).unwrap();
            FileHeader { file_id: file.file_id, header: Base64Url(bytes) }
        };
        self.old.iter().map(rewrap).collect()
    }

    /// The record of an exchange, as this key signs it.
    fn record(&self, before: Hash, after: Hash, granted: bool, by: &SigningKey) -> String {
        let actor = Actor::new(ActorKind::KeyManager, self.office.id.to_string());
        let draft = RecordDraft::new(actor, Action::REWRAP_OUTCOME).subject("dossier", self.dossier);
        let draft = draft
            .organisation(self.office.id)
            .detail("key", self.next.key_id().to_string())
            .detail("headers_before", before.to_string())
            .detail("headers", after.to_string());
        let draft = if granted { draft.granted() } else { draft.refused("key_disabled") };
        let record = draft.into_record(self.world.clock_now(), Asserted::Organisation).unwrap();
        jws::sign(by, Typ::Record, &record.to_bytes())
    }

    async fn put(&self, record: &str, files: &[FileHeader]) -> Result<(), ClientError> {
        self.office.machine.put_headers(&self.dossier.to_string(), record, files).await
    }

    async fn headers(&self) -> Vec<Base64Url> {
        let sealed = self.office.machine.sealed_dossier(&self.dossier.to_string()).await.unwrap();
        sealed.files.into_iter().map(|file| file.header).collect()
    }

    async fn assert_unchanged(&self) {
        let old: Vec<Base64Url> = self.old.iter().map(|file| file.header.clone()).collect();
        assert_eq!(self.headers().await, old);
    }
}

fn list(files: &[FileHeader]) -> Hash {
    files.iter().fold(HeaderList::default(), |list, file| list.and(&file.file_id, &file.header)).hash()
}

#[tokio::test]
async fn it_changes_the_recipient_once_and_the_depositor_sees_it() {
    let scene = Scene::set().await;
    let new = scene.sealed_to(&scene.next);
    let record = scene.record(list(&scene.old), list(&new), true, &scene.office.sign);
    scene.put(&record, &new).await.unwrap();
    let now: Vec<Base64Url> = new.iter().map(|file| file.header.clone()).collect();
    assert_eq!(scene.headers().await, now);
    // Again: nothing changes. From what is no longer there: refused.
    scene.put(&record, &new).await.unwrap();
    let other = scene.sealed_to(&scene.next);
    let late = scene.record(list(&scene.old), list(&other), true, &scene.office.sign);
    assert_eq!(told(&scene.put(&late, &other).await), (409, "headers_changed"));
    assert_eq!(scene.headers().await, now);
    let shown: Value = scene.citizen.server().get(&format!("/v1/dossiers/{}", scene.dossier)).await.unwrap();
    let lines = shown["timeline"].as_array().unwrap().iter();
    assert_eq!(lines.filter(|line| line["action"] == "rewrap.outcome").count(), 1);
    let named = scene.office.machine.keys_in_use().await.unwrap();
    assert_eq!(named[0].key_id, scene.next.key_id().to_string());
}

#[tokio::test]
async fn credentials_alone_or_another_signature_exchange_nothing() {
    let scene = Scene::set().await;
    let new = scene.sealed_to(&scene.next);
    let (before, after) = (list(&scene.old), list(&new));
    let foreign = scene.record(before, after, true, &SigningKey::generate());
    assert!(scene.put(&foreign, &new).await.is_err());
    scene.assert_unchanged().await;
    let refused = scene.record(before, after, false, &scene.office.sign);
    assert_eq!(told(&scene.put(&refused, &new).await), (400, "malformed"));
    assert_eq!(told(&scene.put("x", &new).await), (400, "malformed"));
    // Another organisation's key manager, with its own signature.
    let other = scene.world.office(&scene.administrator, "lille").await;
    let record = scene.record(before, after, true, &other.sign);
    let path = scene.dossier.to_string();
    assert_eq!(told(&other.machine.put_headers(&path, &record, &new).await), (404, "not_found"));
    assert!(scene.put(&record, &new).await.is_err());
    scene.assert_unchanged().await;
}

#[tokio::test]
async fn other_headers_than_the_record_names_and_more_than_a_recipient_are_refused() {
    let scene = Scene::set().await;
    let new = scene.sealed_to(&scene.next);
    let sign = &scene.office.sign;
    let record = scene.record(list(&scene.old), list(&new), true, sign);
    let others = scene.sealed_to(&scene.next);
    assert_eq!(told(&scene.put(&record, &others).await), (409, "headers_changed"));
    assert_eq!(told(&scene.put(&record, &[]).await), (409, "headers_changed"));
    let of = |files: &[FileHeader]| scene.record(list(&scene.old), list(files), true, sign);
    // For the key that was withdrawn; of another dossier; with another name; no header at all.
    let old = scene.office.private.recipient_key();
    let withdrawn = scene.sealed_to(old);
    let elsewhere = scene.office.deposit(&scene.citizen, scene.world.clock_now()).await.dossier;
    let mut swapped = new.clone();
    let other = scene.office.machine.sealed_dossier(&elsewhere.to_string()).await.unwrap();
    swapped[0].header = other.files[0].header.clone();
    let mut renamed = new.clone();
    let at = renamed[0].header.0.len() - 40;
    renamed[0].header.0[at] ^= 1;
    for files in [withdrawn, swapped, renamed] {
        assert_eq!(told(&scene.put(&of(&files), &files).await), (422, "recipient_mismatch"));
    }
    let mut broken = new.clone();
    broken[0].header.0.truncate(9);
    assert_eq!(told(&scene.put(&of(&broken), &broken).await), (422, "header_malformed"));
    scene.assert_unchanged().await;
}
