use std::collections::BTreeMap;

use sceau_client::{
    ClientError, Credentials, Machine, NewOrganisation, Person, ReadingPage, Server, SoftwarePasskey, Trust,
};
use sceau_crypto::SigningKey;
use sceau_element_api::documents::{Document, OrganisationDocument, SchemeDocument, Text};
use sceau_element_api::proof::passkey_challenge;
use sceau_element_api::{AccountId, Base64Url, Kind, Nonce, OrganisationId, Role, SchemeId};
use sceau_trace::{Actor, ActorKind, Asserted, KeyKind, Record, VerifierKey};
use serde_json::{Value, json};

use crate::platform::Platform;

const NONCE: Nonce = Nonce([7; 32]);

fn log_key() -> VerifierKey {
    let public = *SigningKey::generate().verifying_key().as_bytes();
    VerifierKey::new("sceau.test/log", KeyKind::Ed25519, public).unwrap()
}

/// What a platform answers to somebody who signs in; the challenge is of its choice.
fn signing_in(request: &str, challenge: [u8; 32], log_key: &VerifierKey) -> Value {
    match request {
        "GET /v1/config" => json!({"log_key": log_key.to_string()}),
        "POST /v1/passkeys/login/begin" => {
            json!({"login_id": "l", "public_key": {"challenge": Base64Url(challenge.to_vec())}})
        }
        "GET /v1/me" => json!({"account": {"id": AccountId::random()}}),
        _ => Value::Null,
    }
}

async fn sign_in(platform: &Platform) -> Person {
    let passkey = SoftwarePasskey::create("127.0.0.1", &platform.origin, b"me").unwrap();
    Person::sign_in(&platform.origin, passkey, None).await.unwrap()
}

/// Its administrator only signs in; the platform would have the assertion be a proof that another root takes over.
#[tokio::test]
async fn a_sign_in_proves_nothing_else() {
    let mine = SigningKey::generate().verifying_key().fingerprint();
    let document = OrganisationDocument {
        v: 1,
        organisation: OrganisationId::random(),
        name: "Victim".to_owned(),
        root_fingerprint: mine,
    };
    let wanted = passkey_challenge(&NONCE, Kind::Organisation, &document.to_bytes().unwrap());
    let key = log_key();
    let platform = Platform::answering(move |request, _| signing_in(request, wanted, &key));
    sign_in(&platform).await;
    let seen = platform.seen();
    let (_, finish) =
        seen.iter().find(|(request, _)| request == "POST /v1/passkeys/login/finish").expect("it signed in");
    let client_data = finish.pointer("/credential/response/clientDataJSON").unwrap().as_str().unwrap();
    let client_data: Value = serde_json::from_slice(&Base64Url::decode(client_data).unwrap()).unwrap();
    assert_eq!(client_data["type"], "webauthn.get");
    assert_ne!(client_data["challenge"], Base64Url(wanted.to_vec()).encode());
}

/// The platform prepares its own root, another role, a form that keeps nothing secret: none of it is signed.
#[tokio::test]
async fn what_was_not_meant_is_not_signed() {
    let key = log_key();
    let platform = Platform::answering(move |request, form| {
        let prepared = |document: Value| {
            let payload = Base64Url(document.to_string().into_bytes());
            json!({"payload": payload, "nonce": Base64Url(NONCE.0.to_vec())})
        };
        let id = OrganisationId::random();
        match request {
            "POST /v1/organisations/prepare" => {
                let mine = SigningKey::generate().verifying_key().fingerprint();
                prepared(json!({"v": 1, "organisation": id, "name": form["name"], "root_fingerprint": mine}))
            }
            "POST /v1/invitations/prepare" => prepared(
                json!({"v": 1, "account": AccountId::random(), "role": "platform_admin", "organisation": null,
                    "invitation_hash": "11".repeat(32)}),
            ),
            "POST /v1/schemes/prepare" => {
                let mut altered = form.clone();
                altered["form"][0]["sensitive"] = json!(false);
                altered["v"] = json!(1);
                altered["scheme"] = json!(SchemeId::random());
                altered["organisation"] = json!(id);
                prepared(altered)
            }
            _ => signing_in(request, [1; 32], &key),
        }
    });
    let person = sign_in(&platform).await;
    let new = NewOrganisation {
        name: "Métropole".to_owned(),
        contact_email: "a@example.org".to_owned(),
        root_fingerprint: SigningKey::generate().verifying_key().fingerprint().to_string(),
    };
    let outcome = person.enrol_organisation(&new).await.map(|_| ());
    assert!(matches!(outcome, Err(ClientError::Unproven(_))), "{outcome:?}");
    let outcome = person.invite(Role::CaseOfficer, None, "a@example.org").await;
    assert!(matches!(outcome, Err(ClientError::Unproven(_))), "{outcome:?}");
    let text = json!({"fr": "x", "en": "x"});
    let question =
        json!({"name": "income", "label": text, "kind": "number", "required": true, "sensitive": true});
    let form = json!({"title": text, "description": text, "form": [question], "documents": []});
    let outcome = person.publish_scheme(&form).await.map(|_| ());
    assert!(matches!(outcome, Err(ClientError::Unproven(_))), "{outcome:?}");
    for write in ["POST /v1/organisations", "POST /v1/invitations", "POST /v1/schemes"] {
        assert!(!platform.heard(write), "{write}");
    }
}

/// A form that the log does not hold: not even a draft is begun, and no answer leaves.
#[tokio::test]
async fn a_form_that_no_organisation_published_is_not_answered() {
    let key = log_key();
    let platform = Platform::answering(move |request, _| match request {
        "GET /v1/trace/evidence/3" => {
            let actor = Actor::new(ActorKind::OrganisationAdmin, AccountId::random().to_string());
            let action = sceau_trace::Action::SCHEME_PUBLISH;
            let record = Record::builder(1, actor, Asserted::Passkey, action).granted().build().unwrap();
            json!({"v": 1, "format": "sceau-evidence", "record": Base64Url(record.to_bytes()), "index": 3,
                "proof": [], "checkpoint": "none", "log_key": key.to_string(), "attachments": {}})
        }
        _ => signing_in(request, [1; 32], &key),
    });
    let person = sign_in(&platform).await;
    let text = || Text { fr: "x".to_owned(), en: "x".to_owned() };
    let document = SchemeDocument {
        v: 1,
        scheme: SchemeId::random(),
        organisation: OrganisationId::random(),
        title: text(),
        description: text(),
        form: vec![],
        documents: vec![],
        intake: sceau_element_api::documents::Intake::Sealed,
        intake_host: None,
    };
    let payload = Base64Url(document.to_bytes().unwrap());
    let scheme =
        serde_json::from_value(json!({"id": document.scheme, "payload": payload, "index": 3})).unwrap();
    let outcome = person.deposit(&scheme, &BTreeMap::new(), &[], 1, &mut |_| {}).await.map(|_| ());
    assert!(matches!(outcome, Err(ClientError::Unproven(_))), "{outcome:?}");
    assert!(!platform.heard("POST /v1/dossiers"));
}

#[tokio::test]
async fn secrets_do_not_travel_in_clear() {
    let credentials = Credentials { client_id: "c".to_owned(), client_secret: "s".to_owned().into() };
    let trust = Trust::default();
    let machine = Machine::new("http://platform.invalid", "o", credentials, &trust).unwrap();
    assert!(matches!(machine.keys_in_use().await, Err(ClientError::Clear(_))));
    let server = Server::new("http://platform.invalid", &trust).unwrap();
    server.set_bearer(Some("token".to_owned()));
    assert!(matches!(server.get::<Value>("/v1/me").await, Err(ClientError::Clear(_))));
    let link = "http://cles.invalid/open#ticket=t";
    let opened = ReadingPage::open(link, "http://127.0.0.1:1", &trust, &log_key()).await;
    assert!(matches!(opened.map(|_| ()), Err(ClientError::Clear(_))));
}

#[tokio::test]
async fn an_answer_without_end_is_not_kept() {
    let platform = Platform::writing(|_, _| vec![b' '; (64 << 20) + 1]);
    let server = Server::new(&platform.origin, &Trust::default()).unwrap();
    assert!(matches!(server.get_bytes("/trace/checkpoint").await, Err(ClientError::TooLong)));
    assert!(matches!(server.get::<Value>("/v1/config").await, Err(ClientError::TooLong)));
}
