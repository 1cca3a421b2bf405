//! Bad days of what the platform stands on, in the middle of a deposit: an object store that answers 503 or half a body, a mail server that refuses, disks
//! that are full. Who deposits is told, nothing that was acknowledged is lost, and it goes on where it stopped. The database's are in
//! `several_platforms_share_one_database`.

use sceau_client::ClientError;
use sceau_tests::{Draft, House, Records, Sealed, Stage};

fn code(answer: &Result<(), ClientError>) -> &str {
    match answer {
        Ok(()) => "taken",
        Err(error) => error.code().unwrap_or("no answer"),
    }
}

fn content(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8).collect()
}

async fn is_read_whole(stage: &Stage, draft: &Draft<'_>, document: &Sealed) {
    let page = stage.reading(draft.id).await;
    for (index, part) in document.parts.iter().enumerate() {
        let path = format!("/v1/reading/{}/files/{}/parts/{index}", draft.id, document.named.file_id);
        assert!(page.get_bytes(&path).await.unwrap() == part[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_object_store_answers_503_in_the_middle_of_a_deposit() {
    let stage = Stage::in_house(House::start_on_servers("store-away")).await;
    let store = stage.house.servers.s3.as_ref().unwrap();
    let draft = Draft::begin(&stage).await;
    let (document, answers) = (draft.seal(&content(2_500_000)), draft.seal(br#"{"income":18500}"#));
    draft.send(&answers).await.unwrap();
    draft.send_header(&document).await.unwrap();
    store.ask("away 2");
    draft.send_part(&document, 0).await.unwrap();
    store.ask("lost 1");
    draft.send_part(&document, 1).await.unwrap();
    // For longer than the platform asks again: who deposits is told that it is not their fault, and what arrived stays.
    store.ask("away 1000");
    assert_eq!(code(&draft.send_part(&document, 2).await), "objects_unavailable");
    assert_eq!(draft.arrived(&document).await, [0, 1]);
    let manifest = draft.manifest(&document, &answers);
    assert_eq!(code(&draft.submit(&manifest).await.map(drop)), "file_incomplete");
    store.ask("well");
    draft.send_part(&document, 2).await.unwrap();
    draft.submit(&manifest).await.unwrap();
    is_read_whole(&stage, &draft, &document).await;
    assert_eq!(store.ask("count"), "4", "each part once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_object_store_gives_half_a_body_to_who_reads() {
    let stage = Stage::in_house(House::start_on_servers("store-half")).await;
    let store = stage.house.servers.s3.as_ref().unwrap();
    let draft = Draft::begin(&stage).await;
    let (document, answers) = draft.send_all(&content(900_000)).await;
    draft.submit(&draft.manifest(&document, &answers)).await.unwrap();
    let page = stage.reading(draft.id).await;
    let path = format!("/v1/reading/{}/files/{}/parts/0", draft.id, document.named.file_id);
    for order in ["half 1", "half 1000"] {
        store.ask(order);
        // The whole, put together from what came, or a word that it did not; never half.
        match page.get_bytes(&path).await {
            Ok(bytes) => assert!(bytes == document.parts[0][..], "{order}"),
            Err(error) => assert_eq!(error.code(), Some("objects_unavailable"), "{order}"),
        }
    }
    store.ask("well");
    is_read_whole(&stage, &draft, &document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_refuses_holds_no_deposit_up_and_loses_no_letter() {
    const SENT: &str = "has been deposited and sealed";
    let mut stage = Stage::in_house(House::start_on_servers("mail-refuses")).await;
    let order = |stage: &Stage, words: &str| stage.house.servers.smtp.as_ref().unwrap().ask(words);
    let sent = |letters: &[String]| {
        letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(SENT)).count()
    };
    order(&stage, "later 2");
    stage.deposit(b"while it greylists").await;
    assert_eq!(sent(&stage.house.letters().await), 1);
    order(&stage, "login");
    stage.deposit(b"while it knows us no more").await;
    let records = Records::open(&stage.house).await;
    while records.value::<u64>("SELECT count(*) AS v FROM outbox WHERE attempts > 0", &[]).await == 0 {
        tokio::task::yield_now().await;
    }
    order(&stage, "take");
    assert_eq!(sent(&stage.house.letters().await), 2);
    // It will never take this one: a dead letter, which is kept and named without its address.
    order(&stage, "never");
    stage.deposit(b"while nobody is known there").await;
    while records.value::<u64>("SELECT count(*) AS v FROM outbox WHERE dead = 1", &[]).await < 2 {
        tokio::task::yield_now().await;
    }
    let log = stage.house.platform.as_ref().unwrap().log();
    assert!(log.contains("dead letter") && !log.contains("cleo@example.org"), "{log}");
    order(&stage, "take");
    stage.deposit(b"when it is well again").await;
    assert_eq!(sent(&stage.house.letters().await), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_disk_is_full_in_the_middle_of_a_deposit() {
    let house = House::start_on_small_disk("platform-full", "platform", 24);
    let stage = Stage::in_house(house).await;
    let disk = stage.house.disk.as_ref().unwrap();
    let draft = Draft::begin(&stage).await;
    let (document, answers) = (draft.seal(&content(2_500_000)), draft.seal(br#"{"income":18500}"#));
    draft.send(&answers).await.unwrap();
    draft.send_header(&document).await.unwrap();
    draft.send_part(&document, 0).await.unwrap();
    disk.fill();
    assert_eq!(code(&draft.send_part(&document, 1).await), "storage_full");
    assert_eq!(draft.arrived(&document).await, [0], "it still says what it has");
    disk.make_room();
    draft.send_part(&document, 1).await.unwrap();
    draft.send_part(&document, 2).await.unwrap();
    draft.submit(&draft.manifest(&document, &answers)).await.unwrap();
    is_read_whole(&stage, &draft, &document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_elements_disk_is_full_when_a_deposit_is_submitted() {
    let house = House::start_on_small_disk("element-full", "element", 8);
    let mut stage = Stage::in_house(house).await;
    let before = stage.trace().await.len();
    let (id, manifest) = {
        let draft = Draft::begin(&stage).await;
        let (document, answers) = draft.send_all(&content(5_000)).await;
        stage.house.disk.as_ref().unwrap().fill();
        let manifest = draft.manifest(&document, &answers);
        assert_eq!(code(&draft.submit(&manifest).await.map(drop)), "element_unavailable");
        (draft.id, manifest)
    };
    // What cannot write any more ends, and says why; whoever runs it makes room and starts it.
    let log = stage.house.element.take().unwrap().ended();
    assert!(log.contains("No space left on device"), "{log}");
    stage.house.disk.as_ref().unwrap().make_room();
    stage.house.start_element();
    let draft = Draft::resume(&stage, id).await;
    assert_eq!(draft.state().await, "draft", "nothing was done that is not on record");
    let receipt = draft.submit(&manifest).await.unwrap();
    sceau_client::trust::verify(&receipt, stage.citizen.log_key()).unwrap();
    assert_eq!(draft.state().await, "submitted");
    assert!(stage.trace().await.len() > before, "the log goes on where it was");
}
