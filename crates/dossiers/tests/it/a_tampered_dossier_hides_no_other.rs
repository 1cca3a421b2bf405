use sceau_client::Server;
use sceau_store::{Statement, params};
use serde_json::{Value, json};

use crate::support::{World, told};

/// Edits a document of the database to its own taste.
const EDIT: Statement = Statement::new(
    "EDIT",
    "UPDATE attested_documents SET payload = $1 WHERE kind = 'dossier' AND id = $2 AND log_index IS NOT NULL",
);

async fn states(server: &Server, path: &str) -> Vec<(String, String)> {
    let list: Vec<Value> = server.get(path).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut states: Vec<_> = list.iter().map(|line| (text(&line["id"]), text(&line["state"]))).collect();
    states.sort();
    states
}

#[tokio::test]
async fn it_is_listed_as_tampered_and_recorded_and_the_others_stay_readable() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let (one, other) = (
        office.deposit(&citizen, world.clock_now()).await,
        office.deposit(&citizen, world.clock_now()).await,
    );
    let (bad, good) = (one.dossier.to_string(), other.dossier.to_string());
    world.database.execute(EDIT, params![b"{}".to_vec(), bad.as_str()]).await.unwrap();

    let before = world.dossiers.element().hello().await.unwrap().size;
    let mut expected = [(bad.clone(), "tampered".to_owned()), (good.clone(), "submitted".to_owned())];
    expected.sort();
    assert_eq!(states(citizen.server(), "/v1/dossiers").await, expected);
    assert_eq!(states(office.officer.server(), "/v1/organisation/dossiers").await, expected);
    let list: Vec<Value> = citizen.server().get("/v1/dossiers").await.unwrap();
    let line = list.iter().find(|line| line["id"] == bad).unwrap();
    for field in ["scheme", "title", "organisation", "organisation_name", "created", "submitted", "decided"] {
        assert!(line[field].is_null(), "nothing is said of it: {field}");
    }
    let records = world.dossiers.element().entries(before, 100).await.unwrap();
    let records: Vec<Value> = records.iter().map(|entry| serde_json::from_slice(entry).unwrap()).collect();
    let incidents = records.iter().filter(|record| record["code"] == "tampered").count();
    assert_eq!(incidents, 3, "one for each list that met it: {records:?}");

    assert_eq!(told(&citizen.server().get::<Value>(&format!("/v1/dossiers/{bad}")).await), (409, "tampered"));
    assert_eq!(told(&citizen.server().get::<Value>(&format!("/v1/dossiers/{good}")).await), (200, ""));
    let ticket = async |id: &str| {
        office.officer.server().post::<_, Value>(&format!("/v1/dossiers/{id}/ticket"), &json!({})).await
    };
    assert_eq!(told(&ticket(&bad).await), (409, "tampered"));
    assert_eq!(told(&ticket(&good).await), (200, ""));
}

#[tokio::test]
async fn a_scheme_that_was_tampered_with_hides_its_own_dossiers_only() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let one = lyon.deposit(&citizen, world.clock_now()).await.dossier.to_string();
    let other = lille.deposit(&citizen, world.clock_now()).await.dossier.to_string();
    let edit = "UPDATE attested_documents SET payload = $1 WHERE kind = 'scheme' AND id = $2";
    let values = params![b"{}".to_vec(), lyon.scheme.id.to_string()];
    world.database.execute(Statement::new("EDIT", edit), values).await.unwrap();
    let mut expected = [(one.clone(), "tampered".to_owned()), (other, "submitted".to_owned())];
    expected.sort();
    assert_eq!(states(citizen.server(), "/v1/dossiers").await, expected);
    assert_eq!(told(&citizen.server().get::<Value>(&format!("/v1/dossiers/{one}")).await), (409, "tampered"));
}
