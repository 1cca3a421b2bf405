use sceau_crypto::{SigningKey, Typ, jws};
use sceau_dossiers::{Code, Fault, IntakeDesk};
use serde_json::{Value, json};

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
