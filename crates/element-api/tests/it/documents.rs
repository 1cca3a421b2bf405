//! Documents are read strictly, verified under pinned keys only, and hashed as they were signed.

use sceau_crypto::{KeyId, RecipientSuite, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_element_api::documents::{
    AccountDocument, Decision, Document, DocumentError, KeyStatement, KeySuite, KeyUse, Manifest,
    OrganisationDocument,
};
use sceau_element_api::{AccountId, OrganisationId};
use serde_json::{Value, json};

const ORGANISATION: &str = "6a1c3a54-5a8e-4a5f-9d0b-0d1f4a3e2b10";

fn organisation() -> Value {
    json!({"v": 1, "organisation": ORGANISATION, "name": "Mairie de Douarnenez", "root_fingerprint": "ab".repeat(32)})
}

fn parse<D: Document>(value: &Value) -> Result<D, DocumentError> {
    D::parse(&serde_json::to_vec(value).unwrap()).map(|parsed| parsed.document)
}

#[test]
fn an_organisation_is_read_and_hashed_as_it_came() {
    let bytes = serde_json::to_vec_pretty(&organisation()).unwrap();
    let parsed = OrganisationDocument::parse(&bytes).unwrap();
    assert_eq!(parsed.document.row().as_str(), ORGANISATION);
    assert_eq!(parsed.hash, sceau_trace::sha256(&bytes));
}

#[test]
fn unknown_missing_and_repeated_fields_are_refused() {
    let mut more = organisation();
    more["contact_email"] = json!("someone@example.org");
    assert!(matches!(parse::<OrganisationDocument>(&more), Err(DocumentError::Shape(_))));
    let mut fewer = organisation();
    fewer.as_object_mut().unwrap().remove("name");
    assert!(matches!(parse::<OrganisationDocument>(&fewer), Err(DocumentError::Shape(_))));
    let twice = format!(
        r#"{{"v":1,"v":1,"organisation":"{ORGANISATION}","name":"x","root_fingerprint":"{}"}}"#,
        "ab".repeat(32)
    );
    assert!(matches!(OrganisationDocument::parse(twice.as_bytes()), Err(DocumentError::Shape(_))));
    let trailing = format!("{} {{}}", organisation());
    assert!(matches!(OrganisationDocument::parse(trailing.as_bytes()), Err(DocumentError::Shape(_))));
}

#[test]
fn what_is_wrong_is_said_without_what_was_read() {
    let text = br#"{"v":1,"organisation":"jane.doe@example.org"}"#;
    let error = OrganisationDocument::parse(text).unwrap_err().to_string();
    assert!(!error.contains("jane"), "{error}");
}

#[test]
fn another_version_or_an_oversized_document_is_refused() {
    let mut later = organisation();
    later["v"] = json!(2);
    assert_eq!(parse::<OrganisationDocument>(&later), Err(DocumentError::Version(2)));
    let long = vec![b' '; 256 * 1024 + 1];
    assert_eq!(OrganisationDocument::parse(&long), Err(DocumentError::TooLarge));
}

#[test]
fn a_role_is_held_in_an_organisation_exactly_where_it_must() {
    let account = |role: &str, organisation: Value| json!({"v": 1, "account": AccountId::random(), "role": role, "organisation": organisation, "invitation_hash": null});
    for role in ["case_officer", "supervisor", "organisation_admin", "data_officer"] {
        assert!(parse::<AccountDocument>(&account(role, json!(ORGANISATION))).is_ok());
        assert!(parse::<AccountDocument>(&account(role, Value::Null)).is_err());
    }
    for role in ["citizen", "platform_admin"] {
        assert!(parse::<AccountDocument>(&account(role, Value::Null)).is_ok());
        assert!(parse::<AccountDocument>(&account(role, json!(ORGANISATION))).is_err());
    }
    assert!(parse::<AccountDocument>(&account("root", Value::Null)).is_err());
}

#[test]
fn an_officer_of_data_may_be_one_of_some_applications_and_nobody_else_is() {
    let account = |role: &str, applications: Value| {
        json!({"v": 1, "account": AccountId::random(), "role": role, "organisation": ORGANISATION, "invitation_hash": null,
            "applications": applications})
    };
    let one = json!(AccountId::random());
    let some = parse::<AccountDocument>(&account("data_officer", json!([one]))).unwrap();
    assert_eq!(some.remit().unwrap().applications.unwrap().len(), 1);
    for wrong in [json!([]), json!([one, one]), json!(vec![one.clone(); 101])] {
        assert!(parse::<AccountDocument>(&account("data_officer", wrong)).is_err());
    }
    assert!(parse::<AccountDocument>(&account("organisation_admin", json!([one]))).is_err());
    // Left out, as before: no byte more.
    let whole = AccountDocument { applications: None, ..some };
    assert!(!String::from_utf8(whole.to_bytes().unwrap()).unwrap().contains("applications"));
    assert_eq!(whole.remit().unwrap().applications, None);
    let suspended =
        AccountDocument { status: sceau_element_api::documents::AccountStatus::Suspended, ..whole };
    assert_eq!(suspended.remit(), None);
}

#[test]
fn a_manifest_lists_its_sealed_answers() {
    let hash = "cd".repeat(32);
    let manifest = |sealed: Value| {
        json!({
            "v": 1, "dossier": AccountId::random(), "organisation": ORGANISATION, "scheme": AccountId::random(),
            "form_hash": hash, "answers": {"public": {"revenu": 1200, "accord": true, "nom": "x"}, "sealed": sealed},
            "files": [{"file_id": "01".repeat(16), "envelope_hash": hash, "size": 0, "parts": 1}],
            "key_id": hash, "created": 1,
        })
    };
    assert!(parse::<Manifest>(&manifest(Value::Null)).is_ok());
    assert!(parse::<Manifest>(&manifest(json!({"envelope_hash": hash}))).is_ok());
    assert!(parse::<Manifest>(&manifest(json!({"envelope_hash": "ef".repeat(32)}))).is_err());
    let mut nested = manifest(Value::Null);
    nested["answers"]["public"]["revenu"] = json!({"a": 1});
    assert!(parse::<Manifest>(&nested).is_err());
}

fn statement(root: &SigningKey) -> Value {
    let private = XWingPrivateKey::generate().unwrap();
    let public = private.recipient_key();
    assert_eq!(public.suite(), RecipientSuite::HpkeXWing);
    json!({
        "v": 1, "organisation": ORGANISATION, "use": "encrypt", "suite": "HPKE-X-Wing", "key_id": public.key_id(),
        "public_key": base64(public.public()), "not_before": 1, "not_after": 2, "predecessor": null, "serial": 1,
        "key_manager": "https://cles.localhost:8443", "root_key": base64(root.verifying_key().as_bytes()),
    })
}

fn base64(bytes: &[u8]) -> String {
    sceau_element_api::Base64Url(bytes.to_vec()).encode()
}

fn signed(root: &SigningKey, typ: Typ, payload: &Value) -> String {
    jws::sign(root, typ, &serde_json::to_vec(payload).unwrap())
}

#[test]
fn a_key_statement_verifies_under_its_pinned_root_only() {
    let (root, other) = (SigningKey::generate(), SigningKey::generate());
    let payload = statement(&root);
    let jws = signed(&root, Typ::KeyStatement, &payload);
    let pinned = root.verifying_key().fingerprint();
    let verified = KeyStatement::verify(&jws, &pinned).unwrap();
    assert_eq!(verified.hash(), sceau_trace::sha256(&serde_json::to_vec(&payload).unwrap()));
    assert!(verified.document().recipient_key().is_some());
    assert!(verified.document().is_valid_at(1) && !verified.document().is_valid_at(2));

    let refused =
        |jws: &str| assert_eq!(KeyStatement::verify(jws, &pinned).unwrap_err(), DocumentError::Signature);
    // Signed by another root that names itself; by another that names ours; under another label.
    refused(&signed(&other, Typ::KeyStatement, &statement(&other)));
    refused(&signed(&other, Typ::KeyStatement, &payload));
    refused(&signed(&root, Typ::Decision, &payload));
}

#[test]
fn a_key_statement_names_its_key_and_its_place() {
    let root = SigningKey::generate();
    let check = |change: &dyn Fn(&mut Value)| {
        let mut payload = statement(&root);
        change(&mut payload);
        parse::<KeyStatement>(&payload)
    };
    assert!(check(&|_| ()).is_ok());
    assert!(check(&|s| s["key_id"] = json!("00".repeat(32))).is_err(), "another key's id");
    assert!(check(&|s| s["use"] = json!("sign")).is_err(), "a recipient key does not sign");
    assert!(check(&|s| s["suite"] = json!("RSA-OAEP-256")).is_err(), "not the suite's encoding");
    assert!(check(&|s| s["serial"] = json!(2)).is_err(), "the second follows a key");
    assert!(check(&|s| s["predecessor"] = json!("11".repeat(32))).is_err(), "the first follows none");
    assert!(check(&|s| s["not_after"] = json!(1)).is_err(), "never valid");
    for address in ["http://cles.localhost", "https://", "https://cles.localhost/path", "https://a@b"] {
        assert!(check(&|s| s["key_manager"] = json!(address)).is_err(), "{address}");
    }
}

#[test]
fn a_signing_key_is_known_by_its_fingerprint() {
    let (root, key) = (SigningKey::generate(), SigningKey::generate().verifying_key());
    let mut payload = statement(&root);
    payload["use"] = json!("sign");
    payload["suite"] = json!("Ed25519");
    payload["public_key"] = json!(base64(key.as_bytes()));
    payload["key_id"] = json!(key.fingerprint());
    let statement = parse::<KeyStatement>(&payload).unwrap();
    assert_eq!((statement.key_use, statement.suite), (KeyUse::Sign, KeySuite::Ed25519));
    assert_eq!(statement.signing_key(), Some(key));
    assert_eq!(statement.key_id, KeyId::from_bytes(*key.fingerprint().as_bytes()));
    let organisation: OrganisationId = ORGANISATION.parse().unwrap();
    assert_eq!(statement.row(), KeyStatement::row_of(organisation, KeyUse::Sign));
    assert_eq!(statement.row().as_str(), format!("{ORGANISATION}/sign"));
}

#[test]
fn a_decision_verifies_under_the_signing_key_only() {
    let (key, other) = (SigningKey::generate(), SigningKey::generate());
    let payload = json!({
        "v": 1, "dossier": AccountId::random(), "organisation": ORGANISATION, "manifest_hash": "ab".repeat(32),
        "decision": "more_information", "reason": "Il manque une page.\nMerci.", "decided_by": AccountId::random(),
        "role": "case_officer", "time": 5,
    });
    let jws = signed(&key, Typ::Decision, &payload);
    assert!(Decision::verify(&jws, &key.verifying_key()).is_ok());
    assert_eq!(Decision::verify(&jws, &other.verifying_key()).unwrap_err(), DocumentError::Signature);
    let record = signed(&key, Typ::Record, &payload);
    assert_eq!(Decision::verify(&record, &key.verifying_key()).unwrap_err(), DocumentError::Signature);
    let mut citizen = payload.clone();
    citizen["role"] = json!("citizen");
    assert!(Decision::verify(&signed(&key, Typ::Decision, &citizen), &key.verifying_key()).is_err());
}
