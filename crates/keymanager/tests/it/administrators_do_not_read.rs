//! Two roles, two kinds of certificate: what each may ask, and that neither may ask what is the other's.

use sceau_element_api::{AccountId, Base64Url, DossierId};
use sceau_pki::CertificateRole;
use serde_json::{Value, json};

use crate::support::World;

/// The entries and evidence of the key manager's own trace name people and dossiers.
const READS: [&str; 7] = [
    "/v1/keys",
    "/v1/status",
    "/v1/bindings",
    "/v1/assignments",
    "/v1/records",
    "/v1/trace/evidence/0",
    "/trace/tile/entries/000.p/1",
];
const WRITES: [&str; 8] = [
    "/v1/root",
    "/v1/keys/rotate",
    "/v1/keys/withdraw",
    "/v1/keys/00/destroy",
    "/v1/bindings",
    "/v1/assignments",
    "/v1/certificates",
    "/v1/certificates/00/withdraw",
];

#[tokio::test]
async fn administration_takes_an_administrator_s_certificate_and_our_own_page() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let administrator = world.administrator().await;
    for path in READS {
        assert_eq!(world.browser(None).get(path).await.code(), "certificate_missing", "{path}");
        assert_eq!(officer.get(path).await.code(), "certificate_wrong_role", "{path}");
        assert_eq!(administrator.get(path).await.status, 200, "{path}");
    }
    for path in WRITES {
        assert_eq!(officer.post(path, &json!({})).await.code(), "certificate_wrong_role", "{path}");
        let foreign = administrator.on_page_of(Some("https://evil.example"));
        assert_eq!(foreign.post(path, &json!({})).await.code(), "foreign_origin", "{path}");
        let none = administrator.on_page_of(None);
        assert_eq!(none.post(path, &json!({})).await.code(), "foreign_origin", "{path}");
    }
}

#[tokio::test]
async fn an_issued_certificate_is_bound_and_then_opens_the_door() {
    let world = World::connected().await;
    let administrator = world.administrator().await;
    let body = json!({"name": "Marc Petit", "role": "case-officer"});
    let issued = administrator.post("/v1/certificates", &body).await.json();
    assert!(issued["password"].as_str().unwrap().len() >= 20);
    assert!(Base64Url::decode(issued["pkcs12"].as_str().unwrap()).unwrap().len() > 500);
    let binding = json!({
        "certificate_fingerprint": issued["fingerprint"].as_str().unwrap().to_uppercase(),
        "account": AccountId::random(), "role": "case_officer", "name": "Marc Petit",
    });
    let bindings = administrator.post("/v1/bindings", &binding).await.json();
    assert_eq!(bindings[0]["certificate_fingerprint"], issued["fingerprint"], "one spelling");
    assert_eq!(administrator.get("/v1/bindings").await.json(), bindings);
    let records = administrator.get("/v1/records").await.json().to_string();
    assert!(records.contains("register.change") && !records.contains("Petit"), "recorded, without the name");
    for (path, bad) in [
        ("/v1/certificates", json!({"name": "Marc", "role": "both"})),
        ("/v1/certificates", json!({"name": "", "role": "administrator"})),
        (
            "/v1/bindings",
            json!({"certificate_fingerprint": "12", "account": AccountId::random(), "role": "case_officer", "name": "x"}),
        ),
        (
            "/v1/bindings",
            json!({"certificate_fingerprint": "00".repeat(32), "account": AccountId::random(), "role": "citizen", "name": "x"}),
        ),
        ("/v1/assignments", json!({"dossier": "x", "accounts": []})),
    ] {
        assert_eq!(administrator.post(path, &bad).await.code(), "malformed", "{path} {bad}");
    }
}

#[tokio::test]
async fn the_page_learns_who_is_in_front_of_it() {
    let world = World::connected().await;
    let who = |browser: crate::support::Browser| async move { browser.get("/v1/whoami").await.json() };
    assert_eq!(
        who(world.browser(None)).await,
        json!({"certificate": null, "account": null, "refusal": null})
    );
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    let unbound = who(world.browser(Some(&certificate))).await;
    assert_eq!(unbound["certificate"]["role"], "case-officer");
    assert_eq!(unbound["certificate"]["fingerprint"], certificate.fingerprint.as_str());
    assert_eq!(unbound["account"], Value::Null);
    let (officer, account) = world.officer().await;
    let bound = who(officer.clone()).await;
    assert_eq!(
        bound["account"],
        json!({"account": account, "name": "Anaïs Le Goff", "role": "case_officer"})
    );
    assert_eq!(who(world.administrator().await).await["certificate"]["role"], "administrator");
    world.clock.advance(370 * crate::support::DAY);
    world.manager.tick().await;
    let expired = who(officer).await;
    assert_eq!(
        (&expired["certificate"]["role"], &expired["refusal"]),
        (&Value::Null, &json!("certificate_expired"))
    );
}

#[tokio::test]
async fn assignments_are_listed_and_lifted() {
    let world = World::connected().await;
    let administrator = world.administrator().await;
    let (dossier, account) = (DossierId::random(), AccountId::random());
    let assigned = json!([{"dossier": dossier, "accounts": [account]}]);
    let answer = administrator.post("/v1/assignments", &assigned[0]).await.json();
    assert_eq!(answer, assigned);
    assert_eq!(administrator.get("/v1/status").await.json()["assignments"], 1);
    let lifted =
        administrator.post("/v1/assignments", &json!({"dossier": dossier, "accounts": []})).await.json();
    assert_eq!(lifted, json!([]));
}
