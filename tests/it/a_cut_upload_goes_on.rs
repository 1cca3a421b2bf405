//! A deposit part by part: what arrived stays, what is damaged or other is refused, and nothing is sent that the manifest does not name.

use sceau_client::ClientError;
use sceau_crypto::envelope::PART;
use sceau_crypto::{FileId, RecipientPrivateKey, XWingPrivateKey};
use sceau_element_api::documents::Manifest;
use sceau_tests::{Draft, Sealed, Stage};
use sceau_trace::sha256;
use serde_json::Value;

fn code(answer: Result<(), ClientError>) -> String {
    match answer {
        Ok(()) => "taken".to_owned(),
        Err(ClientError::Refused { code, .. }) => code,
        Err(other) => panic!("{other}"),
    }
}

fn content(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_before_a_power_cut_need_not_be_sent_again() {
    let mut stage = Stage::set("cut").await;
    let (id, document, answers, manifest) = {
        let draft = Draft::begin(&stage).await;
        let (document, answers) = (draft.seal(&content(2_500_000)), draft.seal(b"{}"));
        draft.send(&answers).await.unwrap();
        draft.send_header(&document).await.unwrap();
        for part in [2, 0] {
            draft.send_part(&document, part).await.unwrap();
        }
        assert_eq!(document.parts.len(), 3);
        let manifest = draft.manifest(&document, &answers);
        assert_eq!(code(draft.submit(&manifest).await.map(drop)), "file_incomplete");
        (draft.id, document, answers, manifest)
    };
    stage.house.platform.take().unwrap().kill();
    stage.house.start_platform();
    let draft = Draft::resume(&stage, id).await;
    assert_eq!(draft.arrived(&document).await, [0, 2]);
    draft.send_part(&document, 1).await.unwrap();
    // Everything once more: nothing changes.
    draft.send(&document).await.unwrap();
    draft.send(&answers).await.unwrap();
    assert_eq!(draft.arrived(&document).await, [0, 1, 2]);
    draft.submit(&manifest).await.unwrap();
    let page = stage.reading(id).await;
    for (index, part) in document.parts.iter().enumerate() {
        let path = format!("/v1/reading/{id}/files/{}/parts/{index}", document.named.file_id);
        assert!(page.get_bytes(&path).await.unwrap() == part[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_sent_twice_at_once_is_one_part() {
    let stage = Stage::set("twice").await;
    let draft = Draft::begin(&stage).await;
    let document = draft.seal(&content(900_000));
    draft.send_header(&document).await.unwrap();
    let twice = tokio::join!(draft.send_part(&document, 0), draft.send_part(&document, 0));
    assert!(twice.0.is_ok() && twice.1.is_ok(), "{twice:?}");
    assert_eq!(draft.arrived(&document).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_other_is_refused() {
    let stage = Stage::set("damaged").await;
    let draft = Draft::begin(&stage).await;
    let server = stage.citizen.server();
    let (document, other) = (draft.seal(&content(5_000)), draft.seal(&content(6_000)));
    let part = format!("{}/parts/0", draft.file(&document));
    let header = format!("{}/header", draft.file(&document));
    let put = async |path: &str, bytes: &[u8]| {
        code(server.put_bytes(path, bytes.to_vec(), &sceau_crypto::sha256(bytes)).await)
    };

    assert_eq!(code(draft.send_part(&document, 0).await), "header_first");
    assert_eq!(put(&header, &other.header).await, "recipient_mismatch", "another file's header");
    let stranger = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
    let misdirected = draft.seal_to(stranger.recipient_key(), b"for somebody else");
    assert_eq!(code(draft.send_header(&misdirected).await), "recipient_mismatch");
    assert_ne!(put(&header, &document.header[..document.header.len() - 1]).await, "taken");
    assert_ne!(put(&header, &vec![0; 200_000]).await, "taken");

    let damaged = server.put_bytes(&header, document.header.clone(), &[0; 32]).await;
    assert_eq!(code(damaged), "digest_mismatch");
    draft.send_header(&document).await.unwrap();
    let damaged = server.put_bytes(&part, document.parts[0].clone(), &[0; 32]).await;
    assert_eq!(code(damaged), "digest_mismatch");
    assert!(draft.arrived(&document).await.is_empty());
    draft.send_part(&document, 0).await.unwrap();
    assert_eq!(put(&part, &other.parts[0]).await, "already_there");

    assert_eq!(
        put(&format!("{}/parts/1", draft.file(&document)), &vec![0; PART + 1]).await,
        "part_too_large"
    );
    assert_eq!(put(&format!("{}/parts/8448", draft.file(&document)), b"x").await, "dossier_too_large");
    assert_eq!(put(&format!("{}/parts/-1", draft.file(&document)), b"x").await, "not_found");
    assert_eq!(draft.arrived(&document).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_holds_fifty_documents_and_the_answers() {
    let stage = Stage::set("fifty").await;
    let draft = Draft::begin(&stage).await;
    for _ in 0..51 {
        draft.send_header(&draft.seal(b"small")).await.unwrap();
    }
    assert_eq!(code(draft.send_header(&draft.seal(b"small")).await), "too_many_files");
}

/// A manifest with one thing changed, and the code that refuses it.
type Falsehood = (&'static str, fn(&mut Manifest), &'static str);

#[rustfmt::skip]
const FALSEHOODS: &[Falsehood] = &[
    ("another envelope", |m| m.files[0].envelope_hash = sha256(b"other"), "file_mismatch"),
    ("a larger file", |m| m.files[0].size += 1, "size_mismatch"),
    ("a smaller file", |m| m.files[0].size -= 1, "size_mismatch"),
    ("more parts", |m| m.files[0].parts += 1, "file_incomplete"),
    ("fewer parts", |m| m.files[0].parts -= 1, "parts_mismatch"),
    ("no parts", |m| m.files[0].parts = 0, "document_malformed"),
    ("a file that was not sent", |m| m.files[0].file_id = FileId::random(), "file_incomplete"),
    ("a file twice", |m| m.files.push(m.files[0].clone()), "document_malformed"),
    ("no document", |m| m.files.retain(|file| Some(file.envelope_hash) == m.answers.sealed.as_ref().map(|s| s.envelope_hash)), "document_missing"),
    ("another key", |m| m.key_id = "00".repeat(32).parse().unwrap(), "recipient_mismatch"),
    ("another dossier", |m| m.dossier = sceau_element_api::DossierId::random(), "recipient_mismatch"),
    ("another organisation", |m| m.organisation = sceau_element_api::OrganisationId::random(), "form_changed"),
    ("another scheme", |m| m.scheme = sceau_element_api::SchemeId::random(), "form_changed"),
    ("another form", |m| m.form_hash = sha256(b"other"), "form_changed"),
    ("an answer less", |m| m.answers.public.clear(), "answer_missing"),
    ("no sealed answers", |m| m.answers.sealed = None, "answer_missing"),
    ("sealed answers that are no file", |m| m.answers.sealed.as_mut().unwrap().envelope_hash = sha256(b"x"), "document_malformed"),
    ("another version", |m| m.v = 2, "document_malformed"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_does_not_agree_sends_nothing() {
    let mut stage = Stage::set("manifest-fields").await;
    {
        let draft = Draft::begin(&stage).await;
        let (document, answers) = draft.send_all(&content(1_200_000)).await;
        let good = draft.manifest(&document, &answers);
        for (what, falsify, expected) in FALSEHOODS {
            let mut manifest = good.clone();
            falsify(&mut manifest);
            assert_eq!(code(draft.submit(&manifest).await.map(drop)), *expected, "{what}");
        }
        assert_eq!(code(unproven(&draft, &good).await), "proof_required");
        assert_eq!(draft.state().await, "draft");
        let officers: Vec<Value> = stage.officer.server().get("/v1/organisation/dossiers").await.unwrap();
        assert!(officers.is_empty());
        let attested = |record: &&sceau_trace::Record| record.action().as_str() == "deposit.complete";
        let granted = |record: &&sceau_trace::Record| record.outcome() == sceau_trace::Outcome::Granted;
        assert_eq!(stage.trace().await.iter().filter(attested).filter(granted).count(), 0);
        draft.submit(&good).await.unwrap();
        assert_eq!(draft.state().await, "submitted");
    }
    assert_eq!(stage.house.letters().await.len(), 2, "one to each side");
}

/// Submits with nobody's proof.
async fn unproven(draft: &Draft<'_>, manifest: &Manifest) -> Result<(), ClientError> {
    let bytes = serde_json::to_vec(manifest).unwrap();
    let body = serde_json::json!({
        "manifest": sceau_element_api::Base64Url(bytes), "proof": {"type": "platform-asserted"},
    });
    draft.citizen.server().post::<_, Value>(&format!("{}/submit", draft.path()), &body).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensitive_answer_in_clear_is_neither_taken_kept_nor_logged() {
    const INCOME: u64 = 471_104_255_571_829;
    let mut stage = Stage::set("in-clear").await;
    {
        let draft = Draft::begin(&stage).await;
        let (document, answers) = draft.send_all(b"content").await;
        let mut manifest = draft.manifest(&document, &answers);
        manifest.answers.public.insert("income".into(), serde_json::from_value(INCOME.into()).unwrap());
        assert_eq!(code(draft.submit(&manifest).await.map(drop)), "answer_in_clear");
    }
    stage.house.stop_platform();
    let needles = [sceau_tests::Needle::text("income", &INCOME.to_string())];
    let mut searched = 0;
    for file in files(stage.house.scratch.path()) {
        let bytes = std::fs::read(&file).unwrap();
        searched += bytes.len();
        let found = sceau_tests::search(&file.display().to_string(), &bytes, &needles);
        assert!(found.is_empty(), "{found:?}");
    }
    assert!(searched > 100_000, "the database was among what was searched");
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .flat_map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path()),
            kind if kind.is_file() => vec![entry.path()],
            _ => Vec::new(),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manifest_leaves_out_is_removed() {
    let stage = Stage::set("stray").await;
    let draft = Draft::begin(&stage).await;
    let (document, answers) = draft.send_all(b"content").await;
    let stray: Sealed = draft.seal(b"sent, and then removed from the page");
    draft.send(&stray).await.unwrap();
    assert_eq!(stage.house.objects_kept(), 3);
    draft.submit(&draft.manifest(&document, &answers)).await.unwrap();
    assert_eq!(stage.house.objects_kept(), 2);
    let page = stage.reading(draft.id).await;
    let path = format!("/v1/reading/{}/files/{}/parts/0", draft.id, stray.named.file_id);
    assert_eq!(code(page.get_bytes(&path).await.map(drop)), "not_found");
}
