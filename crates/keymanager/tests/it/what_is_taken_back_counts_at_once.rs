//! What is taken back while a document is examined counts before its key leaves: a connector's grant, an officer's
//! assignment, the certificate itself.

use std::path::Path;

use sceau_element_api::AccountId;
use sceau_element_api::documents::DecisionRole;
use sceau_keymanager::{Assignment, Grant, ScannerSettings, Settings};
use sceau_pki::CertificateRole;
use serde_json::json;

use crate::support::{Answer, Browser, READING, SealedDossier, World};

/// A scanning process that says that it is there, waits until somebody writes into the pipe `go`, and finds nothing.
fn waits(folder: &Path) -> Settings {
    let go = folder.join("go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let script = format!(
        "echo '{{\"said\":\"ready\",\"antivirus\":\"Double-1/2\",\"confined\":true}}'\n\
         echo >> {started}\nread -r _ < {go}\necho '{{\"said\":\"clean\",\"size\":21}}'\nexec /bin/cat > /dev/null\n",
        started = folder.join("started").display(),
        go = go.display(),
    );
    let path = folder.join("double.sh");
    std::fs::write(&path, script).unwrap();
    let antivirus = vec!["unix:/nowhere".parse().unwrap()];
    let scanner = ScannerSettings::new(antivirus, vec!["/bin/sh".into(), path.into()]);
    Settings { scanner: Some(scanner), ..Settings::default() }
}

/// Asks for the key; `meanwhile` happens while the document is examined.
async fn asked(
    folder: &Path,
    (browser, path): (&Browser, &str),
    dossier: &SealedDossier,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let mut body = dossier.request();
    body["reading"] = json!(READING);
    let examined = async {
        while !folder.join("started").exists() {
            tokio::task::yield_now().await;
        }
        meanwhile.await;
        let go = folder.join("go");
        tokio::task::spawn_blocking(move || std::fs::write(go, "\n").unwrap()).await.unwrap();
    };
    tokio::join!(browser.post(path, &body), examined).0
}

#[tokio::test]
async fn a_grant_that_is_revoked_meanwhile_releases_nothing() {
    for revoked in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(waits(folder.path())).await;
        let certificate = world.certificate(CertificateRole::Connector).await;
        let grant = Grant {
            certificate_fingerprint: certificate.fingerprint.clone(),
            name: "paie".to_owned(),
            schemes: None,
            not_before: 0,
            not_after: u64::MAX,
            decides: None,
        };
        world.manager.grant(grant).await.unwrap();
        let connector = world.browser(Some(&certificate));
        let dossier = SealedDossier::deposit(&world);
        let asker = (&connector, "/v1/connector/unwrap");
        let answer = asked(folder.path(), asker, &dossier, async {
            if revoked {
                world.manager.revoke_grant(&certificate.fingerprint).await.unwrap();
            }
        });
        let answer = answer.await;
        if revoked {
            assert_eq!(answer.code(), "connector_not_granted");
        } else {
            dossier.assert_opened(&answer.json());
        }
    }
}

#[tokio::test]
async fn an_assignment_that_is_given_to_another_meanwhile_releases_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(waits(folder.path())).await;
    let ((officer, _), (_, colleague)) = (world.officer().await, world.officer().await);
    let dossier = SealedDossier::deposit(&world);
    let answer = asked(folder.path(), (&officer, "/v1/unwrap"), &dossier, async {
        let assignment = Assignment { dossier: dossier.manifest.dossier, accounts: vec![colleague] };
        world.manager.assign(assignment).await.unwrap();
    });
    assert_eq!(answer.await.code(), "not_assigned");
}

#[tokio::test]
async fn a_certificate_that_is_withdrawn_meanwhile_releases_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(waits(folder.path())).await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
    let officer = world.browser(Some(&certificate));
    let dossier = SealedDossier::deposit(&world);
    let answer = asked(folder.path(), (&officer, "/v1/unwrap"), &dossier, async {
        world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
    });
    assert_eq!(answer.await.code(), "certificate_withdrawn");
}

#[tokio::test]
async fn who_was_shut_out_meanwhile_is_not_told_what_was_found() {
    for withdrawn in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(waits(folder.path())).await;
        let double = folder.path().join("double.sh");
        let script = std::fs::read_to_string(&double).unwrap();
        let found = script.replace("\"clean\"", "\"infected\",\"signature\":\"Test.Found\"");
        std::fs::write(&double, found).unwrap();
        let certificate = world.certificate(CertificateRole::CaseOfficer).await;
        world.bind(&certificate, AccountId::random(), DecisionRole::CaseOfficer).await;
        let officer = world.browser(Some(&certificate));
        let dossier = SealedDossier::deposit(&world);
        let answer = asked(folder.path(), (&officer, "/v1/unwrap"), &dossier, async {
            if withdrawn {
                world.manager.withdraw_certificate(&certificate.fingerprint).await.unwrap();
            }
        });
        let answer = answer.await;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(said.contains("Test.Found"), !withdrawn, "{said}");
        assert_eq!(answer.code(), if withdrawn { "certificate_withdrawn" } else { "document_infected" });
    }
}
