//! Everyone reads the log: a refused sign-in looks there as it does to who tried, whether the address has an account or not.

use serde_json::json;

use crate::support::World;

/// What everyone sees of the last entry, but for when it was written and for the commitments themselves, which are of random keys.
fn shape(world: &World) -> String {
    let (record, _) = world.element.records().pop().unwrap().commit(|| [7; 32]);
    let time = record.time();
    let ids: Vec<String> = record.subjects().iter().map(|subject| subject.id.clone()).collect();
    assert!(ids.iter().all(|id| id.starts_with("hmac:")), "{ids:?}");
    let text = String::from_utf8(record.to_bytes()).unwrap();
    ids.iter().fold(text, |text, id| text.replace(id, "…")).replace(&time.to_string(), "…")
}

#[tokio::test]
async fn of_accounts_that_exist() {
    let world = World::new().await;
    let password = "correct horse battery";
    let known = json!({"email": "paul@example.org", "name": "Paul", "password": password});
    assert_eq!(world.post("/v1/passwords/register", known).await.status, 204);
    let mut shapes = Vec::new();
    for email in ["paul@example.org", "nobody@example.org"] {
        let tried = json!({"email": email, "password": "wrong horse battery"});
        assert_eq!(world.post("/v1/passwords/login", tried).await.code(), (401, "credentials_refused"));
        shapes.push(shape(&world));
    }
    assert_eq!(shapes[0], shapes[1]);
}
