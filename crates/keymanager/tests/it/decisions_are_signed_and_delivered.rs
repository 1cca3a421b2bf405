//! A decision is signed over the manifest's hash, kept, and reaches the platform, whatever happens in between; once.

use sceau_crypto::{Typ, jws};
use sceau_element_api::AccountId;
use sceau_element_api::documents::{Decision, DecisionRole, KeyUse, Outcome};
use sceau_keymanager::{Assignment, Settings};
use sceau_pki::CertificateRole;
use sceau_trace::sha256;

use crate::support::world::AssertWell as _;
use crate::support::{Bad, DAY, SealedDossier, World};

#[tokio::test]
async fn a_supervisor_s_decision_verifies_under_the_stated_key() {
    let world = World::connected().await;
    let certificate = world.certificate(CertificateRole::CaseOfficer).await;
    let account = AccountId::random();
    world.bind(&certificate, account, DecisionRole::Supervisor).await;
    let dossier = SealedDossier::deposit(&world);
    let body = dossier.decision("refused", "Il manque la facture.");
    let answer = world.browser(Some(&certificate)).post("/v1/decisions", &body).await.json();
    assert_eq!(answer["delivered"], true);
    let key = world.statement(KeyUse::Sign).signing_key().unwrap();
    let decision = Decision::verify(answer["jws"].as_str().unwrap(), &key).unwrap().into_document();
    assert_eq!((decision.decision, decision.reason.as_str()), (Outcome::Refused, "Il manque la facture."));
    assert_eq!((decision.decided_by, decision.role), (account, DecisionRole::Supervisor));
    assert_eq!(
        (decision.dossier, decision.manifest_hash),
        (dossier.manifest.dossier, sha256(&dossier.payload))
    );
    assert_eq!(world.platform.lock().decisions.len(), 1);
    let records = world.administrator().await.get("/v1/records").await.json();
    let text = records.to_string();
    assert!(
        text.contains(r#""action":"decision""#) && !text.contains("facture"),
        "the reason is in no record"
    );
}

#[tokio::test]
async fn a_decision_waits_for_the_platform_and_outlives_its_signing_key() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    world.platform.misbehave(Bad::Away);
    let body = dossier.decision("accepted", "Complet.");
    assert_eq!(officer.post("/v1/decisions", &body).await.json()["delivered"], false);
    let world = world.restart(Settings::default()).await;
    world.platform.misbehave(None);
    // The signing key is replaced meanwhile: the element takes the current one only.
    world.clock.advance(170 * DAY);
    world.manager.tick().await.assert_well();
    world.clock.advance(DAY);
    world.manager.tick().await.assert_well();
    assert_eq!(world.statement(KeyUse::Sign).serial, 2);
    let decisions = world.platform.lock().decisions.clone();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["reason"], "Complet.");
    let again = officer.post("/v1/decisions", &body).await.json();
    assert_eq!(again["delivered"], true);
    let key = world.statement(KeyUse::Sign).signing_key().unwrap();
    assert!(jws::verify(again["jws"].as_str().unwrap(), Typ::Decision, &key).is_ok());
    assert_eq!(world.platform.lock().decisions.len(), 1, "the same decision is taken once");
}

#[tokio::test]
async fn a_final_decision_stands_and_a_question_does_not_end_it() {
    let world = World::connected().await;
    let ((officer, _), (colleague, _)) = (world.officer().await, world.officer().await);
    let dossier = SealedDossier::deposit(&world);
    let decide = async |who: &crate::support::Browser, what: &str, why: &str| {
        who.post("/v1/decisions", &dossier.decision(what, why)).await
    };
    decide(&officer, "more_information", "Quelle année ?").await.json();
    world.clock.advance(1000);
    decide(&officer, "accepted", "Merci.").await.json();
    decide(&officer, "accepted", "Merci.").await.json();
    assert_eq!(decide(&officer, "refused", "Non.").await.code(), "already_decided");
    assert_eq!(decide(&colleague, "accepted", "Merci.").await.code(), "already_decided");
    assert_eq!(world.platform.lock().decisions.len(), 2);
}

#[tokio::test]
async fn a_proxy_s_word_is_not_the_platform_s() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    world.platform.misbehave(Bad::Proxied);
    let body = dossier.decision("accepted", "Oui.");
    assert_eq!(officer.post("/v1/decisions", &body).await.json()["delivered"], false);
    world.platform.misbehave(None);
    world.clock.advance(1000);
    world.manager.tick().await.assert_well();
    assert_eq!(world.platform.lock().decisions.len(), 1);
}

#[tokio::test]
async fn what_the_platform_refuses_stands_and_can_only_be_sent_again() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    world.platform.misbehave(Bad::AlreadyDecided);
    let answer = officer.post("/v1/decisions", &dossier.decision("accepted", "Oui.")).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "already_decided"));
    world.platform.misbehave(None);
    world.clock.advance(1000);
    // A platform that keeps the signature of the first must not be given a second one to choose from.
    let answer = officer.post("/v1/decisions", &dossier.decision("refused", "Non.")).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "already_decided"));
    assert_eq!(world.platform.lock().decisions.len(), 0);
    let answer = officer.post("/v1/decisions", &dossier.decision("accepted", "Oui.")).await.json();
    assert_eq!(answer["delivered"], true);
    assert_eq!(world.platform.lock().decisions.len(), 1);
}

#[tokio::test]
async fn a_decision_is_refused_like_a_reading() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let body = dossier.decision("accepted", "Oui.");
    assert_eq!(world.browser(None).post("/v1/decisions", &body).await.code(), "certificate_missing");
    assert_eq!(
        world.administrator().await.post("/v1/decisions", &body).await.code(),
        "certificate_wrong_role"
    );
    let foreign = officer.on_page_of(Some("https://evil.example"));
    assert_eq!(foreign.post("/v1/decisions", &body).await.code(), "foreign_origin");
    let mut unproven = body.clone();
    unproven["manifest_evidence"] = SealedDossier::deposit(&world).evidence;
    assert_eq!(officer.post("/v1/decisions", &unproven).await.code(), "manifest_not_attested");
    let long = dossier.decision("accepted", &"x".repeat(2001));
    assert_eq!(officer.post("/v1/decisions", &long).await.code(), "malformed");
    let unknown = dossier.decision("perhaps", "");
    assert_eq!(officer.post("/v1/decisions", &unknown).await.code(), "malformed");
    let accounts = vec![AccountId::random()];
    world.manager.assign(Assignment { dossier: dossier.manifest.dossier, accounts }).await.unwrap();
    assert_eq!(officer.post("/v1/decisions", &body).await.code(), "not_assigned");
    assert_eq!(world.platform.lock().decisions.len(), 0);
}
