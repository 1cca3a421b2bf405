use std::net::IpAddr;
use std::time::Duration;

use sceau_accounts::callers::Edge;
use sceau_crypto::{SigningKey, Typ, jws};
use sceau_dossiers::intake::{Intake, IntakeSettings, Slowest, serve};
use sceau_dossiers::{Code, Fault, IntakeDesk};
use sceau_element_api::{DossierId, OrganisationId, SchemeId};
use sceau_store::{Antivirus, Patience, Rule};
use sceau_trace::{KeyKind, VerifierKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{World, told};

/// Whoever reaches the intake has it exchange what they invent: that costs the platform no query, so that it is refused where there is no database.
#[tokio::test]
async fn invented_grants_are_not_looked_up() {
    let world = World::new().await;
    let key = SigningKey::generate();
    let desk = IntakeDesk { url: "https://depot.example.org".to_owned(), key: key.verifying_key() };
    let dossiers = world.dossiers.clone().with_intake(Some(desk));
    let exchange = async || {
        let grant = sceau_element_api::Base64Url(sceau_crypto::random::<64>().to_vec());
        let payload = json!({ "grant": grant.encode() }).to_string();
        let signed = jws::sign(&key, Typ::IntakeRedemption, payload.as_bytes());
        dossiers.redeem_grant(&signed).await.map(drop)
    };
    assert!(
        matches!(exchange().await, Err(Fault::Refused(problem)) if problem.code == Code::GrantInvalid.as_str())
    );
    world.database.close().await;
    assert!(
        matches!(exchange().await, Err(Fault::Refused(problem)) if problem.code == Code::GrantInvalid.as_str())
    );
}

/// The signature and the request at the platform that each grant costs: an address has so many, whatever grants they are.
#[tokio::test]
async fn one_address_sends_grants_at_a_pace() {
    let world = World::new().await;
    let intake = intake(&world, Rule { burst: 3, every_ms: 2_500 });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/deposits", listener.local_addr().unwrap());
    let served = tokio::spawn(serve(intake, listener, Edge::Clear, std::future::pending()));
    let of = |last: u8| reqwest::Client::builder().no_proxy().local_address(IpAddr::from([127, 0, 0, last]));
    let [one, other] = [1, 2].map(|last| of(last).build().unwrap());
    let send = async |from: &reqwest::Client| {
        let [form_hash, key_id] = [0, 1].map(|byte| sceau_trace::Hash::new([byte; 32]));
        let meant = json!({
            "dossier": DossierId::random(), "organisation": OrganisationId::random(), "scheme": SchemeId::random(),
            "form_hash": form_hash, "key_id": key_id,
        });
        let body = json!({"grant": "invented", "meant": meant, "answers": {}});
        // Only a proxy that the operator named is believed, and the intake has none: its TLS ends in it.
        let request = from.post(&url).header("forwarded", "for=192.0.2.1").json(&body);
        let answer = request.send().await.unwrap();
        let (status, again) = (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
        let body: Value = answer.json().await.unwrap();
        (status, body["code"].as_str().unwrap().to_owned(), again.map(|s| s.to_str().unwrap().to_owned()))
    };
    let unknown = (404, "unknown_deposit".to_owned(), None);
    for _ in 0..3 {
        assert_eq!(send(&one).await, unknown);
    }
    assert_eq!(send(&one).await, (429, "too_many_requests".to_owned(), Some("3".to_owned())));
    assert_eq!(send(&other).await, unknown, "another address has its own");
    world.clock.advance(2_500);
    assert_eq!(send(&one).await, unknown);
    assert_eq!(send(&one).await.0, 429);
    served.abort();
}

#[tokio::test]
async fn public_reads_are_bounded_and_come_back() {
    let world = World::new().await;
    let nobody = world.nobody();
    let read = async || nobody.get::<Value>("/v1/organisations").await;
    for _ in 0..300 {
        assert_eq!(told(&read().await), (200, ""));
    }
    assert_eq!(told(&read().await), (429, "too_many_requests"));
    // Tiles are counted apart, so that who verifies is not held up by who reads.
    assert_eq!(told(&nobody.get_bytes("/trace/checkpoint").await), (200, ""));
    world.clock.advance(20);
    assert_eq!(told(&read().await), (200, ""));
}

#[tokio::test]
async fn guessed_tickets_are_refused_held_and_recorded_at_a_bounded_rate() {
    let world = World::new().await;
    let nobody = world.nobody();
    let before = world.dossiers.element().hello().await.unwrap().size;
    for guess in 0..80 {
        let answer =
            nobody.post::<_, Value>("/v1/tickets/exchange", &json!({"ticket": guess.to_string()})).await;
        let expected = if guess < 60 { (403, "ticket_invalid") } else { (429, "too_many_requests") };
        assert_eq!(told(&answer), expected, "guess {guess}");
    }
    let recorded = world.dossiers.element().hello().await.unwrap().size - before;
    assert_eq!(recorded, 50, "sixty guesses, fifty records");
    world.clock.advance(1_000);
    let answer = nobody.post::<_, Value>("/v1/tickets/exchange", &json!({"ticket": "once more"})).await;
    assert_eq!(told(&answer), (403, "ticket_invalid"));
    let last = world.dossiers.element().entries(before + 50, 1).await.unwrap();
    let last: Value = serde_json::from_slice(&last[0]).unwrap();
    assert_eq!(last["detail"]["left_out_before"], "10");
}

#[tokio::test]
async fn a_citizen_has_a_bounded_number_of_drafts() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let begin = async || {
        citizen.server().post::<_, Value>("/v1/dossiers", &json!({"scheme": office.scheme.id})).await
    };
    for _ in 0..20 {
        assert_eq!(told(&begin().await), (200, ""));
    }
    assert_eq!(told(&begin().await), (409, "too_many_drafts"));
}

/// An intake of this world's platform. Its antivirus is away, which nobody is told who begins nothing.
fn intake(world: &World, grants: Rule) -> Intake {
    let log = VerifierKey::new(
        "sceau.test/log",
        KeyKind::Ed25519,
        *SigningKey::generate().verifying_key().as_bytes(),
    );
    let antivirus = world.folder.path().join("clamd").display().to_string();
    let antivirus = Antivirus::new(vec![format!("unix:{antivirus}").parse().unwrap()], Patience::default());
    let settings = IntakeSettings {
        platform: world.origin.clone(),
        platform_trust: sceau_client::Trust::default(),
        log_key: log.unwrap(),
        key: SigningKey::generate(),
        antivirus: antivirus.unwrap(),
        largest: 1 << 20,
        at_once: 1,
        per_deposit: 1,
        per_address: 1,
        connections: 8,
        grants,
        slowest: Slowest::default(),
        patience: Duration::from_secs(1),
        clock: world.clock.clone(),
    };
    Intake::new(settings).unwrap()
}
