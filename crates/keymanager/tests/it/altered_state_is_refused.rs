//! Somebody with the disk in hand edits or rolls back what the key manager keeps: it notices, and does not start.

use sceau_element_api::AccountId;
use sceau_element_api::documents::DecisionRole;
use sceau_keymanager::{Error, Settings};
use sceau_pki::CertificateRole;
use sceau_store::{Statement, params};

use crate::support::{SealedDossier, World};

async fn refuses_after(sql: &'static str) -> Error {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    officer.post("/v1/unwrap", &dossier.request()).await.json();
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.expect("unaltered, it opens"));
    let database = stopped.database().await;
    assert!(database.execute(Statement::new("EDIT", sql), &[]).await.unwrap() > 0, "the edit hits something");
    stopped.open(Settings::default()).await.expect_err("altered, it does not")
}

#[tokio::test]
async fn a_record_taken_out() {
    let error = refuses_after("DELETE FROM record WHERE position = 2").await;
    assert!(matches!(error, Error::Journal(_)), "{error}");
}

#[tokio::test]
async fn the_last_record_cut_off() {
    let error = refuses_after("DELETE FROM record WHERE position = (SELECT max(position) FROM record)").await;
    assert!(matches!(error, Error::Journal(_)), "{error}");
}

#[tokio::test]
async fn a_record_edited() {
    // Another time: still a record in its one spelling.
    let sql = "UPDATE record SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"time\":17951', '\"time\":17950') AS BLOB) \
        WHERE position = 2";
    let error = refuses_after(sql).await;
    assert!(
        matches!(&error, Error::Journal(why) if why.contains("not those that the checkpoint covers")),
        "{error}"
    );
}

#[tokio::test]
async fn the_checkpoint_taken_away() {
    assert!(matches!(refuses_after("DELETE FROM own_checkpoint").await, Error::Journal(_)));
}

#[tokio::test]
async fn the_list_of_bindings_taken_away() {
    let error = refuses_after("DELETE FROM sealed WHERE name = 'bindings'").await;
    assert!(matches!(error, Error::Tampered("bindings")), "{error}");
}

#[tokio::test]
async fn a_list_put_in_the_place_of_another() {
    let error = refuses_after("UPDATE sealed SET content = (SELECT content FROM sealed WHERE name = 'identity') WHERE name = 'connection'").await;
    assert!(matches!(error, Error::Tampered("connection")), "{error}");
}

#[tokio::test]
async fn a_statement_that_the_root_did_not_sign() {
    let sql = "UPDATE managed_key SET jws = replace(jws, substr(jws, 200, 1), 'A')";
    assert!(matches!(refuses_after(sql).await, Error::Tampered("a key's statement")));
}

#[tokio::test]
async fn a_list_rolled_back() {
    let world = World::connected().await;
    let database = world.database().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
    let read = Statement::new("READ", "SELECT content FROM sealed WHERE name = 'bindings'");
    let old: Vec<u8> = database.fetch_one(read, &[]).await.unwrap().get("content").unwrap();
    // The person leaves; whoever has the disk puts the old list back.
    world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    let stopped = world.stop();
    let write = Statement::new("WRITE", "UPDATE sealed SET content = $1 WHERE name = 'bindings'");
    database.execute(write, params![old]).await.unwrap();
    let error = stopped.open(Settings::default()).await.unwrap_err();
    assert!(matches!(error, Error::Tampered("bindings")), "{error}");
}

#[tokio::test]
async fn nothing_secret_lies_in_clear() {
    let world = World::connected().await;
    let (_, account) = world.officer().await;
    let stopped = world.stop();
    let mut files = Vec::new();
    for entry in walk(&stopped.folder.path().join("data")) {
        files.extend(std::fs::read(entry).unwrap());
    }
    let holds = |needle: &[u8]| files.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"organisation-root"), "the search finds what is there");
    for secret in ["Anaïs Le Goff", &account.to_string(), r#""client_secret""#] {
        assert!(!holds(secret.as_bytes()), "{secret}");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
