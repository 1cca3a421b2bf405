//! The pull API: an ordered feed, acknowledged once, and the way to the ciphertext, for one organisation's own machine.

use sceau_client::Server;
use sceau_element_api::documents::Outcome;
use serde_json::{Value, json};

use crate::support::{Office, World, told};

/// A connector that the organisation's administrator made, signed in; and its client id.
async fn connector(world: &World, office: &Office) -> (Server, String) {
    let made: Value =
        office.chief.server().post("/v1/organisation/connectors", &json!({"name": "Paie"})).await.unwrap();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let server = world.nobody();
    let fields = [("grant_type", "client_credentials"), ("scope", "dossiers.receive")];
    let token: Value = server.post_form("/v1/oauth/token", (id, secret), &fields).await.unwrap();
    server.set_bearer(token["access_token"].as_str().map(str::to_owned));
    (server, id.to_owned())
}

async fn kinds(server: &Server, path: &str) -> Vec<String> {
    let page: Value = server.get(path).await.unwrap();
    let deliveries = page["deliveries"].as_array().unwrap();
    deliveries.iter().map(|each| each["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn in_order_without_a_gap_and_from_where_it_was_acknowledged() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let (feed, _) = connector(&world, &lyon).await;
    let (elsewhere, _) = connector(&world, &lille).await;
    assert!(kinds(&feed, "/v1/deliveries").await.is_empty());

    let first = lyon.deposit(&citizen, world.clock_now()).await;
    let second = lyon.deposit(&citizen, world.clock_now()).await;
    let decision = lyon.decision(&first, Outcome::Accepted, "", world.clock_now());
    lyon.machine.deliver_decision(&decision).await.unwrap();
    let page: Value = feed.get("/v1/deliveries").await.unwrap();
    let seen: Vec<(u64, &str, &str)> = page["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (it["position"].as_u64().unwrap(), it["kind"].as_str().unwrap(), it["dossier"].as_str().unwrap())
        })
        .collect();
    let (one, two) = (first.dossier.to_string(), second.dossier.to_string());
    assert_eq!(seen, [(1, "submitted", &*one), (2, "submitted", &*two), (3, "accepted", &*one)]);
    assert_eq!(kinds(&feed, "/v1/deliveries?after=1&limit=1").await, ["submitted"]);
    assert!(kinds(&elsewhere, "/v1/deliveries").await.is_empty(), "another organisation's feed");

    let kept: Value = feed.post("/v1/deliveries/acknowledge", &json!({"through": 2})).await.unwrap();
    assert_eq!(kept["acknowledged"], 2);
    let back: Value = feed.post("/v1/deliveries/acknowledge", &json!({"through": 1})).await.unwrap();
    assert_eq!(back["acknowledged"], 2, "it never goes back");
    assert_eq!(kinds(&feed, "/v1/deliveries").await, ["accepted"]);
    let beyond = feed.post::<_, Value>("/v1/deliveries/acknowledge", &json!({"through": 9})).await;
    assert_eq!(told(&beyond), (400, "malformed"));
    // What was settled again is not noted again.
    world.dossiers.recover().await.unwrap();
    assert_eq!(kinds(&feed, "/v1/deliveries?after=0").await.len(), 3);
}

#[tokio::test]
async fn who_waits_is_answered_when_there_is_news() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let (feed, _) = connector(&world, &office).await;
    let (waited, _) =
        tokio::join!(kinds(&feed, "/v1/deliveries?wait=30"), office.deposit(&citizen, world.clock_now()));
    assert_eq!(waited, ["submitted"]);
}

#[tokio::test]
async fn a_connector_reaches_its_own_routes_and_no_others() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = lyon.deposit(&citizen, world.clock_now()).await;
    let (own, _) = connector(&world, &lyon).await;
    let (foreign, _) = connector(&world, &lille).await;
    let path = format!("/v1/deliveries/{}/reading", deposited.dossier);
    assert_eq!(told(&foreign.post::<_, Value>(&path, &json!({})).await), (404, "not_found"));
    for route in ["open-dossiers", "records"] {
        let path = format!("/v1/organisations/{}/{route}", lyon.id);
        let answer = match route {
            "records" => own.post::<_, Value>(&path, &json!({"jws": []})).await,
            _ => own.get::<Value>(&path).await,
        };
        assert_eq!(told(&answer).0, 401, "{route}: the key manager's scope");
    }

    let token: Value = own.post(&path, &json!({})).await.unwrap();
    assert_eq!(token["reader"]["role"], "client");
    let reading = world.nobody();
    reading.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = reading.get(&format!("/v1/reading/{}/bundle", deposited.dossier)).await.unwrap();
    let file = bundle["files"][0]["file_id"].as_str().unwrap();
    let part = format!("/v1/reading/{}/files/{file}/parts/0", deposited.dossier);
    assert!(!reading.get_bytes(&part).await.unwrap().is_empty());
    let other = lyon.deposit(&citizen, world.clock_now()).await;
    let of_another = reading.get::<Value>(&format!("/v1/reading/{}/bundle", other.dossier)).await;
    assert_eq!(told(&of_another), (404, "not_found"), "a session is of one dossier");
}

#[tokio::test]
async fn ended_it_is_refused_at_once_with_the_sessions_that_it_began() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let (feed, id) = connector(&world, &office).await;
    let path = format!("/v1/deliveries/{}/reading", deposited.dossier);
    let token: Value = feed.post(&path, &json!({})).await.unwrap();
    let reading = world.nobody();
    reading.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle = format!("/v1/reading/{}/bundle", deposited.dossier);
    reading.get::<Value>(&bundle).await.unwrap();

    let end = format!("/v1/organisation/connectors/{id}/end");
    let left: Value = office.chief.server().post(&end, &json!({})).await.unwrap();
    assert!(left[0]["revoked"].is_u64());
    assert_eq!(told(&reading.get::<Value>(&bundle).await), (401, "reading_expired"));
    assert_eq!(told(&feed.get::<Value>("/v1/deliveries").await).0, 401);
}

/// A company's machine that begins readings on and on, each of which would be a row and a record of the log.
#[tokio::test]
async fn the_machines_of_one_organisation_are_held_together_and_no_others() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let (first, _) = connector(&world, &lyon).await;
    let (second, _) = connector(&world, &lyon).await;
    let (other, _) = connector(&world, &lille).await;
    let ask = async |server: &Server| {
        let answer = server.post::<_, Value>("/v1/deliveries/acknowledge", &json!({"through": 0})).await;
        let (status, code) = told(&answer);
        (status, code.to_owned())
    };
    for _ in 0..500 {
        assert_eq!(ask(&first).await.0, 200);
        assert_eq!(ask(&second).await.0, 200);
    }
    assert_eq!(ask(&second).await, (429, "too_many_requests".to_owned()));
    assert_eq!(ask(&other).await.0, 200);
    let nothing = format!("/v1/deliveries/{}/reading", sceau_element_api::DossierId::random());
    assert_eq!(told(&first.post::<_, Value>(&nothing, &json!({})).await), (429, "too_many_requests"));
    world.clock.advance(5);
    assert_eq!(ask(&first).await.0, 200);
}
