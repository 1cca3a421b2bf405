//! The platform's administrator enrols another root: nothing is sealed to what the old one stated, and the new one goes on from there.

use sceau_client::ClientError;
use sceau_crypto::{RecipientPrivateKey, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_element_api::documents::{Document as _, KeyStatement, KeySuite, KeyUse};
use sceau_store::Statement;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn deposits_wait_for_a_key_that_the_new_root_states() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let scheme = json!({"scheme": office.scheme.id});
    let begun: Value = citizen.server().post("/v1/dossiers", &scheme).await.unwrap();
    let reads_at = async |origin: &str| world.dossiers.is_key_manager(origin).await.unwrap();
    assert!(reads_at("https://cles-lyon.localhost:8443").await);
    let root = SigningKey::generate();
    let fingerprint = root.verifying_key().fingerprint();
    administrator.replace_root(office.id, "lyon", &fingerprint).await.unwrap();
    assert!(!reads_at("https://cles-lyon.localhost:8443").await, "what the old root stated has ended");

    let refused = citizen.server().post::<_, Value>("/v1/dossiers", &scheme).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused { code, .. } if code == "no_recipient_key"), "{refused}");
    let path = format!("/v1/organisations/{}/key-statements", office.id);
    let kept: Vec<Value> = world.nobody().get(&path).await.unwrap();
    assert_eq!(kept.len(), 2, "what was stated can still be read");

    let key = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
    let recipient = key.recipient_key();
    let statement = KeyStatement {
        v: 1,
        organisation: office.id,
        key_use: KeyUse::Encrypt,
        suite: KeySuite::XWing,
        key_id: recipient.key_id(),
        public_key: recipient.public().to_vec().into(),
        not_before: world.clock_now() - 1000,
        not_after: world.clock_now() + 400 * 86_400_000,
        predecessor: Some(begun["recipient"]["key_id"].as_str().unwrap().parse().unwrap()),
        serial: 2,
        key_manager: "https://gardien-lyon.localhost:8443".to_owned(),
        root_key: root.verifying_key().as_bytes().to_vec().into(),
        withdraws_predecessor: false,
    };
    let signed = jws::sign(&root, Typ::KeyStatement, &statement.to_bytes().unwrap());
    office.machine.publish_key(&signed).await.unwrap();
    let begun: Value = citizen.server().post("/v1/dossiers", &scheme).await.unwrap();
    assert_eq!(begun["recipient"]["root_fingerprint"], fingerprint.to_string());
    assert_eq!(begun["recipient"]["serial"], 2);
    assert!(reads_at("https://gardien-lyon.localhost:8443").await);
    assert!(!reads_at("https://cles-lyon.localhost:8443").await, "nor does it come back");

    let elsewhere = "UPDATE key_statements SET key_manager = 'https://elsewhere.example' WHERE serial = 2";
    world.database.execute(Statement::new("ELSEWHERE", elsewhere), &[]).await.unwrap();
    assert!(!reads_at("https://elsewhere.example").await, "the statement counts, not the column beside it");
}

#[tokio::test]
async fn a_document_of_another_organisation_is_not_taken_in_its_place() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let fingerprint = SigningKey::generate().verifying_key().fingerprint();
    let named = administrator.replace_root(lyon.id, "lille", &fingerprint).await;
    assert!(matches!(named, Err(ClientError::Unproven(_))), "the name is not the one that was meant");
    let prepared: Value = administrator
        .server()
        .post(
            &format!("/v1/organisations/{}/root/prepare", lille.id),
            &json!({"root_fingerprint": fingerprint}),
        )
        .await
        .unwrap();
    let body = json!({"payload": prepared["payload"], "proof": {"type": "platform-asserted"}});
    let path = format!("/v1/organisations/{}/root", lyon.id);
    let refused = administrator.server().post::<_, Value>(&path, &body).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Refused { code, .. } if code == "foreign_organisation"),
        "{refused}"
    );
}
