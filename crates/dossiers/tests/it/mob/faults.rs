//! The faults of the original, one test each. Three are its protocol's own: they are confined, off by default, and said.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use sceau_crypto::mob::VerifiedManifest;
use sceau_dossiers::mob::MOB_LETTERS;
use sceau_store::bus::Broker;
use sceau_store::judge::{BINARY_SIGNATURE, HrJudge, RabbitJudge};
use sceau_store::{DeliveryError, MailFolder, Mailer, Message, Value as Datum};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::opening::{download, node_opens};
use super::{COMPANY, Caller, Mob, answered, key_form, lea, one_file, pdf};

/// A subscription that was sent, with one file; its id.
async fn sent(mob: &Mob, maas: &Caller, office: usize, content: Vec<u8>) -> String {
    let id = maas.subscribe(mob.incentives[office]).await;
    let (status, answer) = maas.attach(&id, one_file("rib.pdf", content)).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(maas.verify(&id).await.0, 200);
    id
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_01_the_antivirus_sees_the_exact_bytes() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    let before = mob.world.objects();
    // A signature that no conversion to text survives, far inside a large file whose first parts were stored already.
    let mut content = pdf(3_000_000);
    content.splice(2_500_000.., BINARY_SIGNATURE);
    let answer = maas.attach(&id, one_file("rib.pdf", content)).await;
    assert_eq!(code(&answer), (422, "mob_file_infected"));
    assert_eq!(answer.1["error"]["message"], "A corrupted file has been found");
    assert_eq!(answer.1["error"]["path"], "/antivirus");
    assert_eq!(mob.world.objects(), before, "nothing of it stays");
    let rows = "SELECT (SELECT count(*) FROM mob_parts) + (SELECT count(*) FROM mob_attachments) AS n";
    assert_eq!(mob.world.count(rows, &[]).await, 0);
    // The subscription takes another copy.
    assert_eq!(maas.attach(&id, one_file("rib.pdf", pdf(3_000_000))).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_02_one_key_for_all_files_is_confined_and_alterations_are_noticed() {
    // Off: a funder that the operator did not list can neither publish a key nor be asked for anything.
    let mob = Mob::start_with(|settings| settings.funders.truncate(1)).await;
    let path = format!("/v1/funders/{}/encryption_key", mob.offices[1].id);
    let private = sceau_crypto::mob::MobPrivateKey::generate().unwrap();
    let stranger = mob.key_manager(1).await;
    assert_eq!(stranger.send(Method::PUT, &path, &key_form(&private, 1)).await.0, 403);
    let maas = mob.maas().await;
    let asked = json!({"incentiveId": mob.incentives[1], "consent": true, "citizen": lea(), "km": 1});
    assert_eq!(
        code(&maas.send(Method::POST, "/v1/subscriptions", &asked).await),
        (404, "mob_incentive_unknown")
    );
    // Said: before anybody trusts it.
    let (_, check) = mob.caller("").get("/check").await;
    let words = check["gives_up"].to_string();
    assert!(words.contains("integrity") && words.contains("one key"), "{words}");
    // Noticed: MOB's own way of reading takes an altered file for good, ours does not.
    let private = mob.publish_key(0, 1).await;
    let (id, hr) = (sent(&mob, &maas, 0, pdf(100_000)).await, mob.hr(0).await);
    let (_, view) = hr.get(&format!("/v1/subscriptions/{id}")).await;
    let mut sealed = download(&hr, &id, "rib.pdf").await;
    sealed[50_000] ^= 1;
    assert!(node_opens(&private, &view, &sealed) != pdf(100_000), "CBC gives something, without a word");
    let manifest = view["manifest"].as_str().unwrap();
    let manifest = VerifiedManifest::verify(manifest, &mob.signer, &id).unwrap();
    let mut opened = Vec::new();
    let keys = private.unlock(&manifest).unwrap();
    assert!(keys.open("rib.pdf", Cursor::new(&sealed), &mut opened).is_err() && opened.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_03_plaintext_is_seen_by_this_host_alone_and_kept_nowhere() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let needle = b"ceci ne doit jamais toucher un disque";
    let mut content = pdf(2_000_000);
    content.splice(1_500_000..1_500_000 + needle.len(), needle.iter().copied());
    let id = sent(&mob, &mob.maas().await, 0, content).await;
    let found = files_below(mob.world.folder.path());
    assert!(found.len() > 3, "there is something to look through");
    for (path, bytes) in found {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{path}");
    }
    // Confined: the platform itself has none of these routes, so it never sees a file in clear.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let platform = format!("http://{}/v1/subscriptions/{id}/attachments", mob.world.address());
    assert_eq!(http.post(platform).send().await.unwrap().status(), 404);
    // Said.
    let (_, check) = mob.caller("").get("/check").await;
    let words = check["gives_up"].to_string();
    assert!(words.contains("in clear") && words.contains("private key"), "{words}");
}

fn files_below(path: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in path.read_dir().unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_04_what_was_sealed_to_an_old_key_stays_readable() {
    let mob = Mob::start().await;
    let first = mob.publish_key(0, 1).await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    let id = sent(&mob, &maas, 0, pdf(1000)).await;
    for version in 2..=5 {
        mob.publish_key(0, version).await;
    }
    let (_, view) = hr.get(&format!("/v1/subscriptions/{id}")).await;
    assert_eq!(view["encryptionKeyVersion"], 1, "the document says which key opens it");
    assert!(view["privateKeyAccess"]["getKeyURL"].as_str().unwrap().ends_with("/CLIENT/1"));
    let sealed = download(&hr, &id, "rib.pdf").await;
    assert!(node_opens(&first, &view, &sealed) == pdf(1000));
    let kept = "SELECT count(*) AS n FROM attested_documents WHERE kind = 'funder-key' AND id = $1";
    let funder = mob.offices[0].id.to_string();
    assert_eq!(mob.world.count(kept, &[Datum::from(funder)]).await, 5, "no version is ever trimmed here");
    let newer = sent(&mob, &maas, 0, pdf(1000)).await;
    let (_, view) = hr.get(&format!("/v1/subscriptions/{newer}")).await;
    assert_eq!(view["encryptionKeyVersion"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_05_no_page_but_the_funders_own_is_let_in() {
    let page = "https://mcm.example.org";
    let mob = Mob::start_with(|settings| settings.page = Some(page.to_owned())).await;
    let maas = mob.maas().await;
    for (origin, allowed) in [(page, true), ("https://evil.example", false), ("null", false)] {
        let request = maas.request(Method::GET, "/v1/subscriptions").header("origin", origin);
        let answer = request.send().await.unwrap();
        let header = answer
            .headers()
            .get("access-control-allow-origin")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header.as_deref(), allowed.then_some(page), "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_06_reading_and_deciding_ask_whose_it_is() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let (maas, other) = (mob.maas().await, mob.maas().await);
    let (own, foreign) = (mob.hr(0).await, mob.hr(1).await);
    let draft = maas.subscribe(mob.incentives[0]).await;
    let denied = (403, "mob_access_denied");
    let at = |id: &str, more: &str| format!("/v1/subscriptions/{id}{more}");
    // Another mobility service: neither changes, nor fills, nor sends what is not its own.
    assert_eq!(code(&other.send(Method::PATCH, &at(&draft, ""), &json!({"km": 1})).await), denied);
    assert_eq!(code(&other.attach(&draft, one_file("a.pdf", pdf(100))).await), denied);
    assert_eq!(code(&other.verify(&draft).await), denied);
    let id = sent(&mob, &maas, 0, pdf(100)).await;
    assert_eq!(code(&other.get(&at(&id, "")).await), denied);
    assert_eq!(other.get("/v1/subscriptions").await, (200, json!([])));
    // Another funder: neither reads, nor fetches, nor decides, nor publishes a key.
    let granted = json!({"mode": "unique", "amount": 50});
    assert_eq!(code(&foreign.get(&at(&id, "")).await), denied);
    assert_eq!(code(&foreign.get(&at(&id, "/attachments/rib.pdf")).await), denied);
    assert_eq!(code(&foreign.send(Method::POST, &at(&id, "/validate"), &granted).await), denied);
    assert_eq!(
        code(
            &foreign.send(Method::POST, &at(&id, "/reject"), &json!({"type": "JustificatifManquant"})).await
        ),
        denied
    );
    assert_eq!(foreign.get("/v1/subscriptions").await, (200, json!([])));
    let path = format!("/v1/funders/{}/encryption_key", mob.offices[0].id);
    let key = key_form(&sceau_crypto::mob::MobPrivateKey::generate().unwrap(), 2);
    assert_eq!(code(&mob.key_manager(1).await.send(Method::PUT, &path, &key).await), denied);
    // A mobility service is no funder, a key manager no reader, and nobody is nobody.
    assert_eq!(code(&maas.send(Method::POST, &at(&id, "/validate"), &granted).await), denied);
    assert_eq!(code(&maas.get(&at(&id, "/attachments/rib.pdf")).await), denied);
    assert_eq!(code(&mob.key_manager(0).await.get(&at(&id, "")).await), denied);
    assert_eq!(code(&mob.caller("nobody").get(&at(&id, "")).await), (401, "mob_unauthenticated"));
    // Nothing was decided by any of them; its own funder does.
    assert_eq!(own.get(&at(&id, "")).await.1["status"], "A_TRAITER");
    assert_eq!(own.send(Method::POST, &at(&id, "/validate"), &granted).await.0, 204);
    let (_, view) = own.get(&at(&id, "")).await;
    assert_eq!((&view["status"], &view["subscriptionValidation"]), (&json!("VALIDEE"), &granted));
    assert_eq!(code(&own.send(Method::POST, &at(&id, "/validate"), &granted).await), (409, "mob_bad_status"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_08_a_message_that_no_queue_takes_waits_for_one() {
    use sceau_dossiers::mob::{BUS_TOPIC, ReplyDesk};
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let id = sent(&mob, &mob.maas().await, 0, pdf(100)).await;
    // Nothing goes in clear.
    assert!(Broker::new("amqp://sceau@localhost", "x".to_owned().into(), "").is_err());
    let waiting = "SELECT count(*) AS n FROM outbox WHERE topic = 'mob_bus' AND dead = 0";
    assert_eq!(mob.world.count(waiting, &[]).await, 1, "left in the transaction that sent the subscription");
    // The broker is there, the company's queue is not.
    let company = COMPANY.parse().unwrap();
    let subscriptions = mob.world.dossiers.subscriptions();
    let without = RabbitJudge::start(&[("another", None)]).unwrap();
    let desk = ReplyDesk::new(without.broker(), subscriptions.clone(), vec![]);
    mob.world.outbox.dispatcher().on(BUS_TOPIC, desk).deliver_due().await.unwrap();
    assert_eq!(mob.world.count(waiting, &[]).await, 1, "not confirmed, so not forgotten");
    drop(without);
    let with = RabbitJudge::start(&[(COMPANY, None)]).unwrap();
    let desk = ReplyDesk::new(with.broker(), subscriptions, vec![(company, with.login_of(COMPANY).0)]);
    mob.world.clock.advance(600_000);
    mob.world.outbox.dispatcher().on(BUS_TOPIC, desk).deliver_due().await.unwrap();
    let hr = HrJudge::of(&with, COMPANY, COMPANY).unwrap();
    let message = hr.take(&format!("mob.subscriptions.put.{COMPANY}"));
    let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["subscriptionId"], json!(id));
    assert_eq!(body["attachments"][0], format!("{}/v1/subscriptions/{id}/attachments/rib.pdf", mob.url()));
    assert_eq!(mob.world.count(waiting, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_09_no_time_stamp_is_claimed_that_nobody_verified() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    let id = sent(&mob, &maas, 0, pdf(100)).await;
    // No token is kept, so none is answered or failed at in silence: the route says so.
    let answer = hr.get("/v1/subscriptions/timestamps").await;
    assert_eq!(code(&answer), (404, "mob_timestamps_not_kept"));
    let (_, view) = hr.get(&format!("/v1/subscriptions/{id}")).await;
    assert!(!view.to_string().to_lowercase().contains("timestamp"), "{view}");
    // What says when it was sent is the log: an entry under its signature, verified without the platform.
    let hello = mob.world.dossiers.element().hello().await.unwrap();
    let log_key = sceau_trace::VerifierKey::parse(&hello.log_key).unwrap();
    let mut complete = 0;
    for index in 0..hello.size {
        let text = mob.world.dossiers.element().evidence(index).await.unwrap();
        let evidence = sceau_trace::Evidence::parse(text.as_bytes()).unwrap();
        let verified = evidence.verify(Some(&log_key)).unwrap();
        let named = verified.record.subjects().iter().any(|it| it.id == id);
        complete += usize::from(named && verified.record.action().as_str() == "deposit.complete");
    }
    assert_eq!(complete, 2, "the intent before, the outcome after");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_10_size_is_judged_before_and_while_a_file_streams() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    let before = mob.world.objects();
    // Announced too large: refused before a byte of it is there.
    let (status, taken) = stream(&mob, &maas, &id, (Some(2_000_000_000), 0), FILE).await;
    assert_eq!((status, taken), (400, 0));
    // Not announced: refused when it becomes too large, however much more would come.
    let (status, taken) = stream(&mob, &maas, &id, (None, 400_000_000), FILE).await;
    assert_eq!(status, 400);
    assert!((10_000_000..40_000_000).contains(&taken), "{taken} bytes were taken");
    // A header without an end is not kept in memory until it is too large for that.
    let (status, taken) = stream(&mob, &maas, &id, (None, 100_000_000), "--B\r\nx: ").await;
    assert_eq!(status, 400);
    assert!(taken < 10_000_000, "{taken} bytes were taken");
    assert_eq!(mob.world.objects(), before, "nothing of it stays");
    // To the byte.
    assert_eq!(
        maas.attach(&id, one_file("a.pdf", pdf(10_000_001))).await.1["error"]["code"],
        "mob_file_too_large"
    );
    assert_eq!(maas.attach(&id, one_file("a.pdf", pdf(10_000_000))).await.0, 201);
    // The letter is left in the transaction that sends the subscription; a mail server that is away is asked again, once it is time.
    assert_eq!(maas.verify(&id).await.0, 200);
    let waiting = "SELECT count(*) AS n FROM outbox WHERE topic = 'mob_letter' AND dead = 0";
    let away = |_: Message| async { Err(DeliveryError::Away("connection refused".to_owned())) };
    mob.world.outbox.dispatcher().on(MOB_LETTERS, away).deliver_due().await.unwrap();
    assert_eq!(mob.world.count(waiting, &[]).await, 1);
    let folder = mob.world.folder.path().join("mail");
    let mail = Mailer::Folder(MailFolder::open(&folder, "Sceau <a@b.fr>", mob.world.clock.clone()).unwrap());
    let dossiers = mob.world.dossiers.clone();
    let deliver = move |message: Message| {
        let (dossiers, mail) = (dossiers.clone(), mail.clone());
        async move { dossiers.deliver_mob_letter(&mail, &message).await }
    };
    mob.world.clock.advance(600_000);
    mob.world.outbox.dispatcher().on(MOB_LETTERS, deliver).deliver_due().await.unwrap();
    assert_eq!(mob.world.count(waiting, &[]).await, 0);
    let letters = files_below(&folder);
    let text = String::from_utf8_lossy(&letters[0].1).into_owned();
    assert!(letters.len() == 1 && text.contains("lea@example.org"), "{text}");
}

/// How a file begins in a form.
const FILE: &str = "--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.pdf\"\r\n\
                    content-type: application/pdf\r\n\r\n%PDF-1.7\n";

/// Sends a form without an end: the status that comes, and how many bytes were taken before.
async fn stream(
    mob: &Mob,
    caller: &Caller,
    id: &str,
    (announced, most): (Option<u64>, usize),
    first: &'static str,
) -> (u16, usize) {
    let length = match announced {
        Some(length) => format!("content-length: {length}"),
        None => "transfer-encoding: chunked".to_owned(),
    };
    let head = format!(
        "POST /v1/subscriptions/{id}/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=B\r\n{length}\r\n\r\n",
        caller.token
    );
    let (mut reader, mut writer) = TcpStream::connect(mob.address).await.unwrap().into_split();
    writer.write_all(head.as_bytes()).await.unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let sending = tokio::spawn(async move {
        let chunk = vec![7; 65_536];
        let mut piece = first.as_bytes();
        while counted.load(Ordering::Relaxed) < most {
            let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            if writer.write_all(&framed).await.is_err() {
                return;
            }
            counted.fetch_add(piece.len(), Ordering::Relaxed);
            piece = &chunk;
        }
        std::future::pending().await
    });
    let mut answer = vec![0; 64];
    let read = reader.read(&mut answer).await.unwrap();
    let taken = taken.load(Ordering::Relaxed);
    sending.abort();
    let status = String::from_utf8_lossy(&answer[..read]).split(' ').nth(1).unwrap().parse().unwrap();
    (status, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_11_preflights_are_answered_without_credentials_for_the_one_page() {
    let ask = async |mob: &Mob, origin: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request =
            http.request(Method::OPTIONS, format!("{}/v1/subscriptions/x/attachments/a.pdf", mob.url()));
        let request = request.header("origin", origin).header("access-control-request-method", "GET");
        let answer = request.header("access-control-request-headers", "authorization").send().await.unwrap();
        let allowed = answer.headers().contains_key("access-control-allow-origin");
        (answer.status().as_u16(), allowed)
    };
    let page = "https://mcm.example.org";
    // Off by default: no other origin is let in.
    let mob = Mob::start().await;
    assert_eq!(ask(&mob, page).await, (403, false));
    // By the operator's word alone, and then without a token, a cookie or a certificate, as browsers send none.
    let mob = Mob::start_with(|settings| settings.page = Some(page.to_owned())).await;
    assert_eq!(ask(&mob, page).await, (204, true));
    assert_eq!(ask(&mob, "https://evil.example").await, (403, false));
    let (_, check) = mob.caller("").get("/check").await;
    assert!(check["gives_up"].to_string().contains("preflight"), "and it is said: {check}");
    let (status, _) =
        answered(mob.caller("").request(Method::GET, "/v1/subscriptions").header("origin", page)).await;
    assert_eq!(status, 401, "a preflight that passed is no permission");
}
