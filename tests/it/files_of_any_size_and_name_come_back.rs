//! Empty files, files that end where a part does, and names in any script go in with a citizen and come out with a case officer, byte for byte; a name that
//! points elsewhere is refused before anything of it is sent.

use std::collections::BTreeMap;

use sceau_client::{ClientError, Document, ReadingPage};
use sceau_tests::{House, Premises, Records, Stage, now_ms, publish_scheme};

/// The plaintext of a first part, then of a further one, is less than a mebibyte by what the envelope adds.
const FIRST: usize = (1 << 20) - 56;
const FURTHER: usize = (1 << 20) - 16;

fn document(name: &str, size: usize) -> Document {
    let content = (0..size).map(|at| (at % 251) as u8).collect();
    Document { name: name.to_owned(), media_type: "application/octet-stream".to_owned(), content }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_any_size_and_name_come_back() {
    let house = House::start("any-file");
    let administrator = house.administrator().await;
    let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
    premises.start_key_manager(&house);
    let scheme = publish_scheme(&staff.chief).await;
    let citizen = house.citizen("cleo@example.org").await;

    let documents = [
        document("empty.bin", 0),
        document("un octet", 1),
        document("первый.bin", FIRST),
        document("一つ多い.bin", FIRST + 1),
        document("pièce d’identité 🪪 — «\u{a0}été\u{a0}».pdf", FIRST + FURTHER),
        document("cafe\u{301} and café are two names.txt", FIRST + FURTHER + 1),
    ];
    let deposited =
        citizen.deposit(&scheme, &Stage::answers(), &documents, now_ms(), &mut |_| {}).await.unwrap();
    let link = staff.officer.ticket(deposited.dossier).await.unwrap();
    let trust = premises.officer_trust();
    let page = ReadingPage::open(&link, &house.origin, &trust, citizen.log_key()).await.unwrap();
    let opened = page.read().await.unwrap();
    let came: BTreeMap<&str, &[u8]> =
        opened.files.iter().map(|file| (file.name.as_str(), &*file.content)).collect();
    for sent in &documents {
        assert!(came.get(sent.name.as_str()) == Some(&sent.content.as_slice()), "{}", sent.name);
    }

    for name in ["", "../../.ssh/authorized_keys", "/etc/passwd", "a\\b", "a\0b", "line\nbreak", ".."] {
        let refused =
            citizen.deposit(&scheme, &Stage::answers(), &[document(name, 9)], now_ms(), &mut |_| {}).await;
        assert!(matches!(refused, Err(ClientError::Envelope(_))), "{name:?}: {refused:?}");
    }
    let records = Records::open(&house).await;
    let files: u64 = records.value("SELECT count(*) AS v FROM files", &[]).await;
    assert_eq!(files, documents.len() as u64 + 1, "the documents above and their answers");
}
