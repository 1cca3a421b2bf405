//! One sender does not hold the host: neither by silence nor by many uploads at once.

use std::time::Duration;

use sceau_dossiers::intake::Slowest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Caller, Mob, lea, one_file, pdf};

/// Begins an upload whose bytes never end; the connection.
async fn begun(mob: &Mob, caller: &Caller, id: &str) -> TcpStream {
    let head = format!(
        "POST /v1/subscriptions/{id}/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=B\r\ncontent-length: 90000\r\n\r\n\
         --B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.pdf\"\r\n\
         content-type: application/pdf\r\n\r\n%PDF-1.7\n",
        caller.token
    );
    let mut stream = TcpStream::connect(mob.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_falls_silent_is_sent_away() {
    let silence = Duration::from_millis(50);
    let mob = Mob::start_with(|settings| settings.slowest = Slowest { silence, ..Slowest::default() }).await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    let mut answer = vec![0; 4096];
    let read = begun(&mob, &maas, &id).await.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"mob_too_slow\""), "{answer}");
    assert_eq!(mob.world.count("SELECT count(*) AS n FROM mob_parts", &[]).await, 0);
    assert_eq!(maas.attach(&id, one_file("a.pdf", pdf(900))).await.0, 201, "its draft takes files as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_has_a_quarter_of_the_uploads() {
    let mob = Mob::start_with(|settings| settings.at_once = 4).await;
    mob.publish_key(0, 1).await;
    let (greedy, other) = (mob.maas().await, mob.maas().await);
    let first = greedy.subscribe(mob.incentives[0]).await;
    let _held = begun(&mob, &greedy, &first).await;
    let refused = loop {
        // The first upload may still be on its way in.
        let id = greedy.subscribe(mob.incentives[0]).await;
        let answer = greedy.attach(&id, one_file("a.pdf", pdf(900))).await;
        if answer.0 != 201 {
            break answer;
        }
    };
    assert_eq!((refused.0, refused.1["error"]["code"].as_str()), (503, Some("mob_busy")));
    let id = other.subscribe(mob.incentives[0]).await;
    assert_eq!(other.attach(&id, one_file("a.pdf", pdf(900))).await.0, 201, "others have their own");
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

/// A mobility service that begins subscriptions for people whom it invents, each of which would be a row and two records.
#[tokio::test(flavor = "multi_thread")]
async fn a_mobility_service_is_held_to_a_pace() {
    let mob = Mob::start().await;
    let (flood, other) = (mob.maas().await, mob.maas().await);
    let ask = async || flood.get("/v1/subscriptions/none").await;
    for _ in 0..300 {
        assert_eq!(code(&ask().await), (404, "mob_subscription_unknown"));
    }
    assert_eq!(code(&ask().await), (429, "mob_too_many_requests"));
    let answer = flood.request(Method::GET, "/v1/subscriptions/none").send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    other.subscribe(mob.incentives[0]).await;
    mob.world.clock.advance(50);
    assert_eq!(ask().await.0, 404, "twenty a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mobility_service_fills_neither_letter_boxes_nor_the_database() {
    let mob = Mob::start().await;
    let maas = mob.maas().await;
    let begin = async |citizen: &str, email: &str| {
        let mut person = lea();
        (person["id"], person["email"]) = (citizen.into(), email.into());
        let body = json!({"incentiveId": mob.incentives[0], "consent": true, "citizen": person, "km": 60});
        maas.send(Method::POST, "/v1/subscriptions", &body).await
    };
    for citizen in 0..20 {
        assert_eq!(begin(&citizen.to_string(), "victim@example.org").await.0, 201);
    }
    assert_eq!(code(&begin("20", "victim@example.org").await), (429, "mob_too_many_requests"));
    assert_eq!(code(&begin("21", "Victim@Example.org").await), (429, "mob_too_many_requests"));
    assert_eq!(begin("22", "other@example.org").await.0, 201);
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9979) INSERT INTO mob_requests \
        SELECT 'x' || i, owner, funder, scheme, company, status, 'x' || i, person, answers, sealed, manifest, outcome, created, updated, \
        last_name FROM n, (SELECT * FROM mob_requests LIMIT 1)";
    mob.world.database.execute(sceau_store::Statement::new("FILL", fill), &[]).await.unwrap();
    assert_eq!(code(&begin("23", "third@example.org").await), (429, "mob_drafts_too_many"));
    let other = mob.maas().await;
    other.subscribe(mob.incentives[0]).await;
}

/// Invented tokens, each of which is looked up: held by where they come from.
#[tokio::test(flavor = "multi_thread")]
async fn one_machine_does_not_guess_on_and_on() {
    let mob = Mob::start().await;
    let guesser = mob.caller("invented");
    let guess = async || guesser.get("/v1/subscriptions").await;
    let mut guesses = 0;
    let held = loop {
        let answer = guess().await;
        if answer.0 != 401 {
            break answer;
        }
        guesses += 1;
    };
    assert_eq!(code(&held), (429, "mob_too_many_requests"));
    assert_eq!(guesses, 2_000);
}
