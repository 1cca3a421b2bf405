//! Scanned intake with the real ClamAV: what is clean is sealed and opens at its recipient; nothing else can be submitted.

use sceau_crypto::envelope::UnverifiedHeader;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::SealedFile;
use sceau_store::judge::BINARY_SIGNATURE;
use sceau_tests::{Cast, House, Moment, Needle, Scanned, Visit, memory_of, search, struck};
use sceau_trace::Asserted;
use serde_json::{Value, json};

/// A PDF of `size` bytes with words to look for.
pub(crate) fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    while bytes.len() < size - 6 {
        bytes.extend_from_slice(PHRASE.as_bytes());
    }
    bytes.truncate(size - 6);
    bytes.extend_from_slice(b"\n%%EOF");
    bytes
}

const PHRASE: &str = "Only scanner and recipient read this sentence about patient 314159. ";

/// Opens a file as the organisation's software does.
pub(crate) async fn opened(cast: &Cast, visit: &Visit<'_>, file: &SealedFile) -> (String, Vec<u8>) {
    let link = cast.officer.ticket(visit.dossier).await.unwrap();
    let ticket = link.rsplit_once("ticket=").unwrap().1;
    let page =
        sceau_client::Server::new(&cast.citizen.server().origin(), &sceau_client::Trust::default()).unwrap();
    let token: Value = page.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = page.get(&format!("/v1/reading/{}/bundle", visit.dossier)).await.unwrap();
    let mut files = bundle["files"].as_array().unwrap().iter();
    let view = files.find(|view| view["file_id"] == file.file_id.to_string()).unwrap();
    let header = Base64Url::decode(view["header"].as_str().unwrap()).unwrap();
    let header = UnverifiedHeader::parse(&header).unwrap().unlock(&cast.organisation.recipient).unwrap();
    let (mut opener, mut content) = (None, Vec::new());
    for index in 0..file.parts {
        let path = format!("/v1/reading/{}/files/{}/parts/{index}", visit.dossier, file.file_id);
        let mut part = page.get_bytes(&path).await.unwrap().to_vec();
        let opener = opener.get_or_insert_with(|| header.opener(&part).unwrap());
        content.extend_from_slice(opener.open_part(index, index + 1 == file.parts, &mut part).unwrap());
    }
    (header.metadata().name().to_owned(), content)
}

#[tokio::test]
async fn what_is_clean_is_sealed_and_opens_at_its_recipient() {
    let scanned = Scanned::start("scanned", "StreamMaxLength 64M");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    // Sizes around the borders of parts.
    let mut sent = Vec::new();
    for size in [200, (1 << 20) - 56, (1 << 20) - 55, 3_000_000] {
        let bytes = pdf(size);
        sent.push((visit.pdf(bytes.clone()).await.unwrap(), bytes));
    }
    let (manifest, receipt) = visit.submit().await.unwrap();
    let receipt = sceau_client::trust::verify(&receipt, cast.citizen.log_key()).unwrap();
    assert_eq!(receipt.asserted(), Asserted::Passkey);
    assert_eq!(manifest.files.len(), 5, "the documents and the sealed answers");
    for (file, bytes) in &sent {
        let (name, content) = opened(&cast, &visit, file).await;
        assert_eq!(name, "pièce.pdf");
        assert!(content == *bytes, "what comes out is what went in: {}", bytes.len());
    }
    let sealed = manifest.answers.sealed.unwrap().envelope_hash;
    let answers = manifest.files.iter().find(|file| file.envelope_hash == sealed).unwrap();
    let (name, content) = opened(&cast, &visit, answers).await;
    assert_eq!((name.as_str(), content.as_slice()), ("answers.json", &b"{\"income\":18500}"[..]));
    assert!(manifest.answers.public.contains_key("price") && !manifest.answers.public.contains_key("income"));

    let path = format!("/v1/dossiers/{}", visit.dossier);
    let view: Value = cast.citizen.server().get(&path).await.unwrap();
    assert_eq!(view["intake"], "scanned");
    let lines = view["timeline"].as_array().unwrap();
    let scans: Vec<&Value> = lines.iter().filter(|line| line["action"] == "intake.scan").collect();
    assert_eq!(scans.len(), 5);
    let evidence: Value =
        cast.citizen.server().get(&format!("{path}/evidence/{}", scans[0]["index"])).await.unwrap();
    let proven = sceau_client::trust::verify(&evidence, cast.citizen.log_key()).unwrap();
    assert_eq!(proven.asserted(), Asserted::Platform, "the log says whose word it is");
}

#[tokio::test]
async fn nothing_but_what_is_clean_can_be_submitted() {
    let scanned = Scanned::start_with("refused", "StreamMaxLength 64M", &["--largest", "8"]);
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;

    // Infected by a binary signature, in the third part: nothing of it stays.
    let mut infected = pdf(3_000_000);
    infected[2_500_000..2_500_008].copy_from_slice(&BINARY_SIGNATURE);
    assert_eq!(visit.pdf(infected).await.unwrap_err(), "infected");
    // A renamed executable.
    let mut executable = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff".to_vec();
    executable.resize(200_000, 0);
    assert_eq!(visit.pdf(executable).await.unwrap_err(), "wrong_type");
    // A PDF under a password.
    let encrypted = b"%PDF-1.7\ntrailer << /Root 1 0 R /Encrypt 5 0 R >>\n%%EOF".to_vec();
    assert_eq!(visit.pdf(encrypted).await.unwrap_err(), "encrypted");
    // A PDF with an archive behind it.
    let mut polyglot = pdf(5_000);
    polyglot.extend_from_slice(b"PK\x03\x04");
    polyglot.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0.\0\0\0\0\0\0\0\0\0");
    assert_eq!(visit.pdf(polyglot).await.unwrap_err(), "two_types");
    // Types and names.
    assert_eq!(visit.announce("a.zip", "application/zip", 10).await.unwrap_err(), "wrong_type");
    assert_eq!(visit.announce("a.pdf.exe", "application/pdf", 10).await.unwrap_err(), "wrong_type");
    assert_eq!(visit.announce("../a.pdf", "application/pdf", 10).await.unwrap_err(), "file_name");
    // Larger than the limit: not a byte of it is asked for.
    assert_eq!(visit.announce("a.pdf", "application/pdf", 9 << 20).await.unwrap_err(), "file_too_large");
    // Larger, or smaller, than was said.
    let place = visit.announce("a.pdf", "application/pdf", 100).await.unwrap();
    assert_eq!(visit.send(place, pdf(200)).await.unwrap_err(), "wrong_size");
    assert_eq!(visit.send(place, pdf(50)).await.unwrap_err(), "upload_cut");

    assert_eq!(visit.finish().await.unwrap_err(), "form_incomplete", "no document was taken");
    let objects = scanned.house.scratch.join("platform").join("objects");
    let left = walk(&objects);
    assert!(left.is_empty(), "nothing of a refused file stays: {left:?}");

    // Each judgement is on record and on the timeline; what only came to no verdict is not.
    let view: Value = cast.citizen.server().get(&format!("/v1/dossiers/{}", visit.dossier)).await.unwrap();
    let lines = view["timeline"].as_array().unwrap();
    let refused = lines.iter().filter(|line| line["action"] == "intake.scan" && line["outcome"] == "refused");
    assert_eq!(refused.count(), 4);
}

#[tokio::test]
async fn a_deposit_has_so_many_files_and_no_more() {
    let scanned = Scanned::start("many", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let refused = visit.announce("pièce.pdf", "application/pdf", 200).await.unwrap();
    assert_eq!(visit.send(refused, vec![b'x'; 200]).await.unwrap_err(), "wrong_type");
    for _ in 0..50 {
        visit.announce("pièce.pdf", "application/pdf", 200).await.unwrap();
    }
    let one_more = visit.announce("pièce.pdf", "application/pdf", 200).await;
    assert_eq!(
        one_more.unwrap_err(),
        "intake_too_many_files",
        "what was refused does not count, the rest does"
    );
}

#[tokio::test]
async fn only_pages_of_the_platform_read_what_the_intake_answers() {
    let scanned = Scanned::start("origins", "");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let port = scanned.url.rsplit_once(':').unwrap().1;
    let platform = scanned.house.origin.clone();
    let beside = format!("{platform}.evil.example");
    for (origin, ours) in [
        (platform.as_str(), true),
        ("https://evil.example", false),
        (beside.as_str(), false),
        ("null", false),
    ] {
        for (method, path) in [("OPTIONS", "/v1/deposits"), ("GET", "/v1/deposits/none")] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let asked =
                http.request(method, format!("http://127.0.0.1:{port}{path}")).header("origin", origin);
            let answer = asked.send().await.unwrap();
            let let_in = answer.headers().get("access-control-allow-origin");
            assert_eq!(
                let_in.is_some_and(|it| it.as_bytes() == origin.as_bytes()),
                ours,
                "{origin}: {let_in:?}"
            );
            assert_eq!(let_in.is_some(), ours, "{origin}: {let_in:?}");
        }
    }
}

#[tokio::test]
async fn the_page_s_word_is_not_enough() {
    let scanned = Scanned::start("page-word", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let good = visit.pdf(pdf(2_000)).await.unwrap();
    // The page seals a file itself and sends it past the intake.
    let server = cast.citizen.server();
    let path = format!("/v1/dossiers/{}", visit.dossier);
    let header = b"not even looked at".to_vec();
    let digest = sceau_crypto::sha256(&header);
    let file = sceau_crypto::FileId::of_dossier(&visit.dossier.to_string());
    let past = server.put_bytes(&format!("{path}/files/{file}/header"), header, &digest).await;
    assert_eq!(past.unwrap_err().code(), Some("scanned_only"));
    // It names a file that the intake gave no word on, or another than it sealed.
    let finished = visit.finish().await.unwrap();
    let public = serde_json::from_value(finished["public"].clone()).unwrap();
    let sealed = sceau_element_api::documents::SealedAnswers {
        envelope_hash: finished["sealed_answers"].as_str().unwrap().parse().unwrap(),
    };
    let answers = sceau_element_api::documents::Answers { public, sealed: Some(sealed) };
    let mut files: Vec<SealedFile> = serde_json::from_value(finished["files"].clone()).unwrap();
    let words = sceau_tests::words(&finished);
    for hostile in [vec![], words.iter().rev().cloned().collect(), words[..1].to_vec()] {
        let refused = visit.submit_as(answers.clone(), files.clone(), hostile).await.unwrap_err();
        assert_eq!(refused.code(), Some("not_scanned"));
    }
    files[0].size += 1;
    let refused = visit.submit_as(answers.clone(), files.clone(), words.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Some("size_mismatch"));
    files[0] = SealedFile { file_id: file, ..good };
    assert_eq!(visit.submit_as(answers, files, words).await.unwrap_err().code(), Some("file_incomplete"));
    // A grant is used once, and only by the intake.
    let again = json!({"signed": "not.a.jws"});
    let refused = server.post::<_, Value>("/v1/intake/sessions", &again).await.unwrap_err();
    assert_eq!(refused.code(), Some("intake_unproven"));
    // What is complete is submitted all the same.
    visit.submit().await.unwrap();
}

/// A hostile platform gives the page a grant for a dossier of an accomplice, of another organisation or form: the intake, which the page reached
/// at the attested address, compares.
#[tokio::test]
async fn a_grant_for_another_dossier_than_the_page_means_takes_nothing() {
    let scanned = Scanned::start("meant", "");
    let cast = scanned.cast().await;
    let server = cast.citizen.server();
    let begun: Value = server.post("/v1/dossiers", &json!({"scheme": cast.scheme.id})).await.unwrap();
    let other: Value = server.post("/v1/dossiers", &json!({"scheme": cast.scheme.id})).await.unwrap();
    let meant = cast.meant(begun["id"].as_str().unwrap().parse().unwrap());
    let hash = "0".repeat(64);
    for (field, value) in [
        ("dossier", other["id"].clone()),
        ("organisation", other["id"].clone()),
        ("scheme", other["id"].clone()),
        ("form_hash", json!(hash)),
        ("key_id", json!(hash)),
    ] {
        let path = format!("/v1/dossiers/{}/intake", begun["id"].as_str().unwrap());
        let grant: Value = server.post(&path, &json!({})).await.unwrap();
        let mut meant = meant.clone();
        meant[field] = value;
        let answers = json!({"price": 1, "income": 1});
        let (visit, status) =
            scanned.carry(&cast, grant["grant"].as_str().unwrap(), meant, answers).await.unwrap();
        assert_eq!((status, visit.said["code"].as_str()), (409, Some("another_dossier")), "{field}");
    }
}

/// A platform that falls while the intake asks it for proofs has said nothing wrong: the page comes back, and nobody tells the organisation.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_falls_while_it_is_asked_for_proofs_is_away() {
    let (house, _door, gate) = House::start_guarded("falls-while-asked").await;
    let mut scanned = Scanned::start_in(house, "", "", &[]);
    let cast = scanned.cast().await;
    let platform = scanned.house.platform.take().unwrap();
    let hold =
        gate.hold(Moment::Asked, |method, path| method == "GET" && path.starts_with("/v1/trace/evidence/"));
    let begun = scanned.try_begin(&cast, json!({"price": 3200, "income": 18_500}));
    let (begun, fell) = struck(hold, begun, async |_| _ = platform.kill()).await;
    let (visit, status) = begun.unwrap();
    assert!(fell, "it was asked for a proof");
    assert_eq!((status, visit.said["code"].as_str()), (503, Some("platform_away")));
}

#[tokio::test]
async fn an_incomplete_form_makes_no_key() {
    let scanned = Scanned::start("incomplete", "");
    let cast = scanned.cast().await;
    for answers in
        [json!({"price": 1}), json!({"price": "far", "income": 1}), json!({"price": 1, "income": 1, "x": 1})]
    {
        let (visit, status) = scanned.try_begin(&cast, answers).await.unwrap();
        assert_eq!((status, visit.said["code"].as_str()), (422, Some("form_incomplete")));
    }
}

#[tokio::test]
async fn a_deposit_waits_visibly_while_the_antivirus_is_down() {
    let mut scanned = Scanned::start("down", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    scanned.clamd.fall();
    let bytes = pdf(400_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    let (sent, ()) = tokio::join!(visit.send(place, bytes), async {
        visit.until(place, "waiting_for_antivirus").await;
        scanned.clamd.go_on().unwrap();
    });
    assert_eq!(sent.unwrap().size, 400_000, "it went on by itself");
    visit.submit().await.unwrap();
}

#[tokio::test]
async fn a_slow_antivirus_is_waited_for_visibly() {
    let scanned = Scanned::start("slow", "StreamMaxLength 64M");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let bytes = pdf(20_000_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    let pid = rustix::process::Pid::from_raw(scanned.clamd.pid().unwrap() as i32).unwrap();
    let (stop, go_on) = (rustix::process::Signal::STOP, rustix::process::Signal::CONT);
    let (sent, ()) = tokio::join!(visit.send(place, bytes), async {
        visit.until(place, "receiving").await;
        rustix::process::kill_process(pid, stop).unwrap();
        visit.until(place, "waiting_for_antivirus").await;
        rustix::process::kill_process(pid, go_on).unwrap();
    });
    assert_eq!(sent.unwrap().size, 20_000_000);
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing_that_can_be_submitted() {
    let scanned = Scanned::start("cut", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let bytes = pdf(3_000_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    let half: Vec<Result<Vec<u8>, std::io::Error>> =
        vec![Ok(bytes[..2_200_000].to_vec()), Err(std::io::Error::other("the tab was closed"))];
    let cut = visit.send(place, reqwest::Body::wrap_stream(futures::stream::iter(half))).await;
    assert!(cut.unwrap_err().starts_with("transport"));
    visit.until(place, "announced").await;
    assert_eq!(visit.finish().await.unwrap_err(), "form_incomplete");
    assert!(walk(&scanned.house.scratch.join("platform").join("objects")).is_empty());
    // The same file, whole.
    visit.send(place, bytes).await.unwrap();
    visit.submit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn plaintext_is_neither_on_disk_nor_in_the_platform_s_memory() {
    let scanned = Scanned::start("plaintext", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let needles =
        [Needle::text("document", PHRASE.trim()), Needle::text("sensitive answer", "{\"income\":18500}")];
    let pid = scanned.house.platform.as_ref().unwrap().pid();
    let place = visit.announce("pièce.pdf", "application/pdf", 9_000_000).await.unwrap();
    let sending = visit.send(place, pdf(9_000_000));
    tokio::pin!(sending);
    let mut found = Vec::new();
    let sent = loop {
        let dump = tokio::task::spawn_blocking(move || memory_of(pid).unwrap());
        tokio::select! {
            sent = &mut sending => break sent,
            dump = dump => for (region, bytes) in dump.unwrap() { found.extend(search(&region, &bytes, &needles)); }
        }
    };
    sent.unwrap();
    visit.submit().await.unwrap();
    for (place, bytes) in memory_of(pid).unwrap().into_iter().chain(scanned.disk()) {
        found.extend(search(&place, &bytes, &needles));
    }
    assert!(found.is_empty(), "{found:#?}");
    let canary = [Needle::text("canary", &visit.dossier.to_string())];
    let seen = scanned.disk().iter().any(|(place, bytes)| !search(place, bytes, &canary).is_empty());
    assert!(seen, "the search sees what is there");
}

/// The files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
