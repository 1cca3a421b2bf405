use sceau_client::{Person, Server};
use sceau_element_api::documents::{AccountDocument, AccountStatus, Document as _};
use sceau_element_api::wire::Attest;
use sceau_element_api::{Kind, Role};
use sceau_store::{Statement, params};
use serde_json::{Value, json};

use crate::support::{Office, World, told};

/// Has the element attest that the officer's account is another one now, as the platform's administrator signs it (an organisation's makes
/// no other one). Whether the platform's database knows is another matter.
async fn change(
    world: &World,
    by: &Person,
    officer: &Person,
    database_too: bool,
    how: impl Fn(&mut AccountDocument),
) {
    let find = Statement::new("FIND", "SELECT payload FROM account WHERE id = $1");
    let row = world.database.fetch_one(find, params![officer.account.as_str()]).await.unwrap();
    let mut document = AccountDocument::parse(&row.get::<Vec<u8>>("payload").unwrap()).unwrap().document;
    how(&mut document);
    let payload = document.to_bytes().unwrap();
    let element = world.dossiers.element();
    let previous = element.current(Kind::Account, document.account).await.unwrap().map(|row| row.version());
    let proof = by.prove(Kind::Account, &payload, element.nonce().await.unwrap()).unwrap();
    let attest =
        Attest { kind: Kind::Account, id: document.row(), previous, payload: payload.clone().into(), proof };
    element.attest(attest).await.unwrap();
    if database_too {
        let edit = Statement::new("EDIT", "UPDATE account SET payload = $1 WHERE id = $2");
        world.database.execute(edit, params![payload, officer.account.as_str()]).await.unwrap();
    }
}

/// An open reading session of the officer, with the path of its dossier.
async fn session(world: &World, office: &Office, dossier: &str) -> (Server, String) {
    let page = world.nobody();
    let token: Value =
        page.post("/v1/tickets/exchange", &json!({"ticket": ticket(office, dossier).await})).await.unwrap();
    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let path = format!("/v1/reading/{dossier}");
    (page, path)
}

async fn ticket(office: &Office, dossier: &str) -> String {
    let path = format!("/v1/dossiers/{dossier}/ticket");
    let ticket: Value = office.officer.server().post(&path, &json!({})).await.unwrap();
    ticket["url"].as_str().unwrap().rsplit_once('=').unwrap().1.to_owned()
}

/// What the session gets of the bundle and of a part.
async fn reads(page: &Server, path: &str, file: &str) -> [(u16, String); 2] {
    let bundle = page.get::<Value>(&format!("{path}/bundle")).await;
    let part = page.get_bytes(&format!("{path}/files/{file}/parts/0")).await;
    let (bundle, part) = (told(&bundle), told(&part));
    [(bundle.0, bundle.1.to_owned()), (part.0, part.1.to_owned())]
}

async fn ends(database_too: bool, expected: (u16, &str), how: impl Fn(&mut AccountDocument)) {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let dossier = deposited.dossier.to_string();
    let view: Value = citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
    let file = view["files"][0]["file_id"].as_str().unwrap().to_owned();
    let (page, path) = session(&world, &office, &dossier).await;
    let waiting = ticket(&office, &dossier).await;
    assert_eq!(reads(&page, &path, &file).await, [(200, String::new()), (200, String::new())]);

    change(&world, &administrator, &office.officer, database_too, how).await;
    let before = world.dossiers.element().hello().await.unwrap().size;
    let refused = (expected.0, expected.1.to_owned());
    assert_eq!(reads(&page, &path, &file).await, [refused.clone(), refused]);
    let late = world.nobody().post::<_, Value>("/v1/tickets/exchange", &json!({"ticket": waiting})).await;
    assert!(matches!(told(&late).0, 403 | 409), "a ticket from before opens nothing: {late:?}");
    let records = world.dossiers.element().entries(before, 10).await.unwrap();
    let refusals = records.iter().filter(|entry| {
        let record: Value = serde_json::from_slice(entry).unwrap();
        record["outcome"] == "refused"
    });
    assert_eq!(refusals.count(), 3, "each try is recorded");
}

#[tokio::test]
async fn suspended() {
    ends(true, (401, "reading_expired"), |account| account.status = AccountStatus::Suspended).await;
}

#[tokio::test]
async fn suspended_though_the_database_does_not_know() {
    ends(false, (409, "tampered"), |account| account.status = AccountStatus::Suspended).await;
}

#[tokio::test]
async fn of_another_role_since() {
    ends(true, (401, "reading_expired"), |account| account.role = Role::OrganisationAdmin).await;
}
