//! One dossier from its deposit to its decision, with the key manager's process and everybody's letters: on what is embedded, on what the
//! environment names (`cargo xtask test --only servers`), and on PostgreSQL, an S3 store and a mail server at once.

use sceau_client::{Document, ReadingPage};
use sceau_tests::{House, Premises, Stage, now_ms, publish_scheme};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_is_deposited_read_and_decided() {
    Box::pin(whole_way(House::start("whole-way"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql_s3_and_a_mail_server_at_once() {
    let house = Box::pin(whole_way(House::start_on_servers("whole-way-on-servers"))).await;
    let data = house.scratch.join("platform");
    let kept: Vec<_> = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(kept.is_empty(), "the platform keeps nothing itself: {kept:?}");
    let store = house.servers.s3.as_ref().unwrap();
    assert_eq!(
        store.ask("count").parse::<u32>().unwrap(),
        4,
        "three parts of the document, one of the answers"
    );
    let said = house.servers.smtp.as_ref().unwrap().ask("letters");
    let letters: Vec<Value> = serde_json::from_str(&said).unwrap();
    for letter in letters {
        assert!(letter["tls"] == true && letter["login"] == true, "{letter}");
    }
}

async fn whole_way(mut house: House) -> House {
    let administrator = house.administrator().await;
    let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
    premises.start_key_manager(&house);
    let scheme = publish_scheme(&staff.chief).await;
    let citizen = house.citizen("cleo@example.org").await;
    let content: Vec<u8> = (0..2_500_000_u32).map(|i| (i % 251) as u8).collect();
    let document = Document {
        name: "pièce.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: content.clone(),
    };
    let deposited =
        citizen.deposit(&scheme, &Stage::answers(), &[document], now_ms(), &mut |_| {}).await.unwrap();

    let link = staff.officer.ticket(deposited.dossier).await.unwrap();
    let page =
        ReadingPage::open(&link, &house.origin, &premises.officer_trust(), citizen.log_key()).await.unwrap();
    let opened = page.read().await.unwrap();
    let document = opened.files.iter().find(|file| file.name == "pièce.pdf").unwrap();
    assert!(document.content == content, "what comes out is what went in");
    page.decide("accepted", "Dossier complet.").await.unwrap();

    let path = format!("/v1/dossiers/{}", deposited.dossier);
    while citizen.server().get::<Value>(&path).await.unwrap()["state"] != "accepted" {
        tokio::task::yield_now().await;
    }
    let letters = house.letters().await;
    for words in ["has been deposited and sealed", "/organisation", "has accepted your request"] {
        let found = letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(words));
        assert_eq!(found.count(), 1, "{words}: {letters:#?}");
    }
    house
}
