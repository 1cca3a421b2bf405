use sceau_client::Server;
use serde_json::{Value, json};

use crate::support::{Office, World, told};

async fn ticket(office: &Office, dossier: &str) -> String {
    let path = format!("/v1/dossiers/{dossier}/ticket");
    let ticket: Value = office.officer.server().post(&path, &json!({})).await.unwrap();
    ticket["url"].as_str().unwrap().rsplit_once('=').unwrap().1.to_owned()
}

async fn exchange(page: &Server, ticket: &str) -> Result<Value, sceau_client::ClientError> {
    page.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await
}

#[tokio::test]
async fn after_a_minute_and_after_a_quarter_of_an_hour() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let dossier = office.deposit(&citizen, world.clock_now()).await.dossier.to_string();
    let page = world.nobody();

    let late = ticket(&office, &dossier).await;
    world.clock.advance(60_000);
    assert_eq!(told(&exchange(&page, &late).await), (403, "ticket_invalid"), "a minute later");
    let in_time = ticket(&office, &dossier).await;
    world.clock.advance(59_999);
    let token = exchange(&page, &in_time).await.unwrap();
    assert_eq!(told(&exchange(&page, &in_time).await), (403, "ticket_invalid"), "a second time");

    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle = format!("/v1/reading/{dossier}/bundle");
    world.clock.advance(15 * 60_000 - 1);
    assert_eq!(told(&page.get::<Value>(&bundle).await), (200, ""));
    world.clock.advance(1);
    assert_eq!(told(&page.get::<Value>(&bundle).await), (401, "reading_expired"));
    assert_eq!(token["expires"], world.clock_now());
}
