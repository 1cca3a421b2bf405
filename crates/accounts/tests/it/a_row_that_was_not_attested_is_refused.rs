use sceau_element_api::documents::{AccountDocument, Document};
use sceau_store::{Statement, params};

use crate::support::{Person, World};

const PAYLOAD: Statement = Statement::new("PAYLOAD", "SELECT payload, id FROM account WHERE id = $1");
const EDIT: Statement = Statement::new("EDIT", "UPDATE account SET payload = $2 WHERE id = $1");
const COLUMN: Statement =
    Statement::new("COLUMN", "UPDATE account SET role = 'platform_admin' WHERE id = $1");
const SWAP_CREDENTIAL: Statement =
    Statement::new("SWAP", "UPDATE credential SET account = $2 WHERE account = $1");
const CREDENTIAL: Statement =
    Statement::new("CREDENTIAL", "SELECT payload FROM credential WHERE account = $1");
const EDIT_CREDENTIAL: Statement =
    Statement::new("EDIT_CREDENTIAL", "UPDATE credential SET payload = $2 WHERE account = $1");
const STEAL_SESSION: Statement =
    Statement::new("STEAL", "UPDATE session SET account = $2 WHERE account = $1");

async fn id(world: &World, person: &Person) -> String {
    world.me(&person.cookie).await.body["account"]["id"].as_str().unwrap().to_owned()
}

async fn payload(world: &World, id: &str) -> Vec<u8> {
    world.database.fetch_one(PAYLOAD, params![id]).await.unwrap().get("payload").unwrap()
}

#[tokio::test]
async fn an_edited_role_is_refused_and_recorded() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let id = id(&world, &citizen).await;
    let honest = payload(&world, &id).await;
    let mut document = AccountDocument::parse(&honest).unwrap().document;
    document.role = sceau_element_api::Role::PlatformAdmin;
    world.database.execute(EDIT, params![&id, document.to_bytes().unwrap()]).await.unwrap();

    assert_eq!(world.me(&citizen.cookie).await.code(), (409, "tampered"));
    let record = world.element.records().pop().unwrap();
    assert_eq!((record.code(), record.subjects()[0].id.as_str()), ("tampered", id.as_str()));
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (409, "tampered"));

    world.database.execute(EDIT, params![&id, honest]).await.unwrap();
    assert_eq!(world.me(&citizen.cookie).await.status, 200);
}

#[tokio::test]
async fn the_role_column_decides_nothing() {
    let world = World::new().await;
    let citizen = world.register("a@example.org", None).await;
    world.database.execute(COLUMN, params![id(&world, &citizen).await]).await.unwrap();
    assert_eq!(world.me(&citizen.cookie).await.body["account"]["role"], "citizen");
}

#[tokio::test]
async fn swapped_rows_are_refused() {
    let world = World::new().await;
    let admin = world.first_administrator().await;
    let mut citizen = world.register("a@example.org", None).await;
    let (admin_id, citizen_id) = (id(&world, &admin).await, id(&world, &citizen).await);

    // The administrator's document under the citizen's id: attested, but another account's.
    let honest = payload(&world, &citizen_id).await;
    world.database.execute(EDIT, params![&citizen_id, payload(&world, &admin_id).await]).await.unwrap();
    assert_eq!(world.me(&citizen.cookie).await.code(), (409, "tampered"));
    world.database.execute(EDIT, params![&citizen_id, honest]).await.unwrap();

    // The citizen's passkey moved to the administrator's account.
    world.database.execute(SWAP_CREDENTIAL, params![&citizen_id, &admin_id]).await.unwrap();
    assert_eq!(world.login(&mut citizen.passkey).await.code(), (409, "tampered"));
}

#[tokio::test]
async fn an_exchanged_public_key_is_refused() {
    let world = World::new().await;
    let mut citizen = world.register("a@example.org", None).await;
    let mut attacker = world.register("b@example.org", None).await;
    let (victim_id, attacker_id) = (id(&world, &citizen).await, id(&world, &attacker).await);
    let row = world.database.fetch_one(CREDENTIAL, params![&attacker_id]).await.unwrap();
    let own: Vec<u8> = row.get("payload").unwrap();
    let forged = String::from_utf8(own).unwrap().replace(&attacker_id, &victim_id);
    world.database.execute(EDIT_CREDENTIAL, params![&attacker_id, forged.into_bytes()]).await.unwrap();
    world.database.execute(SWAP_CREDENTIAL, params![&attacker_id, &victim_id]).await.unwrap();
    attacker.passkey.user_handle = citizen.passkey.user_handle.clone();
    assert_eq!(world.login(&mut attacker.passkey).await.code(), (409, "tampered"));
    assert_eq!(world.login(&mut citizen.passkey).await.status, 204);
}

#[tokio::test]
async fn a_password_session_given_to_staff_opens_nothing() {
    let world = World::new().await;
    let admin = world.first_administrator().await;
    let who = serde_json::json!({"email": "c@example.org", "name": "C", "password": "correct horse battery"});
    let citizen = world.post("/v1/passwords/register", who).await;
    let citizen_id = world.me(&citizen.cookie()).await.body["account"]["id"].as_str().unwrap().to_owned();
    let values = params![&citizen_id, id(&world, &admin).await];
    world.database.execute(STEAL_SESSION, values).await.unwrap();
    assert_eq!(world.me(&citizen.cookie()).await.code(), (403, "passkey_required"));
}

#[tokio::test]
async fn a_rolled_back_row_is_refused() {
    use sceau_accounts::{Attestations, Element};
    use sceau_element_api::Kind;
    use sceau_element_api::documents::AccountStatus;
    use sceau_element_api::wire::{Attest, Request, Response, RowKey};
    use std::sync::Arc;

    let world = World::new().await;
    let mut admin = world.first_administrator().await;
    let colleague = world.staff(&mut admin, "platform_admin", None, "second@example.org").await;
    let id = id(&world, &colleague).await;
    let before = payload(&world, &id).await;

    // The colleague is suspended, in the word of the administrator's passkey.
    let mut document = AccountDocument::parse(&before).unwrap().document;
    document.status = AccountStatus::Suspended;
    let after = document.to_bytes().unwrap();
    let element = Attestations::of(Arc::clone(&world.element) as Arc<dyn Element>);
    let key = RowKey { kind: Kind::Account, id: document.row() };
    let previous = element.current(key.clone()).await.unwrap().map(|row| row.version());
    let proof = admin.passkey.prove(Kind::Account, &after, element.nonce().await.unwrap());
    let proof = serde_json::from_value(proof).unwrap();
    let attest = Attest { kind: key.kind, id: key.id, previous, payload: after.clone().into(), proof };
    assert!(matches!(world.element.call(Request::Attest(attest)).await, Ok(Response::Attested(_))));
    world.database.execute(EDIT, params![&id, after]).await.unwrap();
    assert_eq!(world.me(&colleague.cookie).await.code(), (401, "credentials_refused"));

    // A backup of the row from before does not bring the right back.
    world.database.execute(EDIT, params![&id, before]).await.unwrap();
    assert_eq!(world.me(&colleague.cookie).await.code(), (409, "tampered"));
}
