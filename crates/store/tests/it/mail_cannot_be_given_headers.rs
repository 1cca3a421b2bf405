use std::sync::Arc;

use sceau_store::{Mail, MailFolder, ManualClock, StoreError};
use tempfile::TempDir;

const NOON: u64 = 1_795_176_000_000; // 2026-11-20T12:00:00Z

fn folder(folder: &TempDir) -> MailFolder {
    MailFolder::open(folder.path(), "Sceau <no-reply@sceau.localhost>", Arc::new(ManualClock::at(NOON)))
        .unwrap()
}

fn mail(to: &str, subject: &str) -> Mail {
    Mail { to: to.into(), subject: subject.into(), text: "Votre dossier a été reçu.\n".into() }
}

#[tokio::test]
async fn a_french_subject_is_encoded_and_the_file_complete() {
    let place = TempDir::new().unwrap();
    let path =
        folder(&place).send(&mail("marie@example.org", "Dossier reçu : accusé de réception")).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("To: marie@example.org\r\n"), "{text}");
    assert!(text.contains("Subject: =?utf-8?") || text.contains("Subject: Dossier"), "{text}");
    assert!(text.contains("Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n"), "{text}");
    assert!(text.is_ascii(), "what leaves is 7-bit: {text}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    assert!(path.extension().is_some_and(|extension| extension == "eml"));
}

#[tokio::test]
async fn injected_headers_are_refused_and_nothing_is_written() {
    let place = TempDir::new().unwrap();
    let folder = folder(&place);
    for (to, subject) in [
        ("a@example.org\r\nBcc: b@example.org", "x"),
        ("a@example.org, b@example.org", "x"),
        ("A <a@example.org>", "x"),
        ("a@example.org", "x\r\nBcc: b@example.org"),
        ("a@example.org", "x\nBcc: b@example.org"),
        ("not an address", "x"),
    ] {
        let error = folder.send(&mail(to, subject)).await.unwrap_err();
        assert!(matches!(error, StoreError::Mail(_)), "{to} {subject}: {error}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}
