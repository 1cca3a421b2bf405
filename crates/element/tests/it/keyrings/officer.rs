//! Policies: by the officer alone, each over the one before, and nothing that is not built.

use sceau_element_api::keyring::{
    ActorRole, ActorStatus, Biometric, CertificateSource, FaceRule, KeyringAccess, KeyringActor,
    KeyringPolicy, KeyringUse, PinRule, PolicyStatus, RequestKind, Roaming,
};
use sceau_element_api::wire::{Code, RecordDraft};
use sceau_element_api::{CallError, OrganisationId};
use sceau_keyring::{Answer, Ask, Statement as _};
use sceau_trace::{ActorKind, sha256};

use super::stage::{Key, PIN, Stage, Talk, policy, publish, refused};
use crate::house::{Keeping, run_with};

fn code<T: std::fmt::Debug>(refused: Result<T, CallError>) -> Code {
    refused.unwrap_err().refusal().unwrap().code
}

#[tokio::test]
async fn nobody_but_the_officer_signs_a_policy() {
    let stage = Stage::begin().await;
    for by in [&stage.registrar, &Key::certified("officer")] {
        assert_eq!(code(publish(stage.client(), by, &policy(), None).await), Code::ProofInvalid);
    }
    let asserted = crate::house::by_platform(stage.client(), &policy(), None).await;
    assert_eq!(code(asserted), Code::ProofRequired);
}

#[tokio::test]
async fn the_platform_says_nothing_in_the_name_of_officer_authority_or_holder() {
    let stage = Stage::begin().await;
    for kind in [ActorKind::Officer, ActorKind::RegistrationAuthority, ActorKind::Holder] {
        let draft = serde_json::json!({
            "actor": {"id": "someone", "kind": kind}, "action": "keyring.sign", "outcome": "granted", "subjects": [], "detail": {},
        });
        let draft: RecordDraft = serde_json::from_value(draft).unwrap();
        assert_eq!(code(stage.client().append(draft).await), Code::ClaimRefused);
    }
}

#[tokio::test]
async fn an_old_version_is_not_put_back() {
    let stage = Stage::begin().await;
    let first = stage.policy.clone();
    let second = KeyringPolicy { batch_most: 5, previous: Some(stage.policy_version.hash), ..first.clone() };
    let current = publish(stage.client(), &stage.officer, &second, Some(stage.policy_version)).await.unwrap();
    // What the officer signed before, over what is current now.
    for old in [&first, &second] {
        let back = publish(stage.client(), &stage.officer, old, Some(current.version())).await;
        assert_eq!(code(back), Code::StaleVersion);
    }
    let moved = KeyringPolicy {
        organisation: OrganisationId::random(),
        previous: Some(current.hash),
        ..first.clone()
    };
    let moved = publish(stage.client(), &stage.officer, &moved, Some(current.version())).await;
    assert_eq!(code(moved), Code::FieldFixed);
}

/// An authority's stock of keyrings does not escape what the officer says next.
#[tokio::test]
async fn a_keyring_that_nobody_has_is_not_handed_over_under_an_older_policy() {
    let stage = Stage::begin().await;
    let (package, jws) = stage.fabricate().await;
    let active = stage.activated().await;
    let next =
        KeyringPolicy { batch_most: 5, previous: Some(stage.policy_version.hash), ..stage.policy.clone() };
    publish(stage.client(), &stage.officer, &next, Some(stage.policy_version)).await.unwrap();
    let answer = stage.deliver(&stage.delivery(&package, &jws)).await;
    assert_eq!(refused(&answer), Code::KeyringPhase);
    // Who has theirs goes on.
    let mut active = active;
    let request = stage.request(active.place.keyring, &[b"x"]);
    active.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_document_of_another_element_is_refused() {
    let stage = Stage::begin().await;
    let origin = "example.org/staging".to_owned();
    let policy = KeyringPolicy { origin: origin.clone(), ..policy() };
    let access = KeyringAccess { origin, organisation: OrganisationId::random(), ..stage.access.clone() };
    let policy = publish(stage.client(), &stage.officer, &policy, None).await;
    let access = publish(stage.client(), &stage.officer, &access, None).await;
    for refused in [policy, access] {
        assert_eq!(code(refused), Code::CallElsewhere);
    }
}

#[tokio::test]
async fn what_is_not_built_is_refused() {
    let stage = Stage::begin().await;
    let face = Some(FaceRule { model: sha256(b"a model"), least: 400 });
    let tries = [
        KeyringPolicy { biometric: Biometric::Face, face, roaming: Roaming::Move, ..policy() },
        KeyringPolicy { applies_to_existing: true, ..policy() },
        KeyringPolicy { unfinished_most: Some(3), ..policy() },
    ];
    for document in tries {
        assert_eq!(code(publish(stage.client(), &stage.officer, &document, None).await), Code::KindNotServed);
    }
    let others = [
        RequestKind::Roam,
        RequestKind::Join,
        RequestKind::Dissociate,
        RequestKind::Destroy,
        RequestKind::Face,
    ];
    let kinds = others.map(|kind| (ActorRole::ServiceProvider, vec![RequestKind::Sign, kind]));
    for (role, kinds) in kinds {
        let mut access = KeyringAccess { organisation: OrganisationId::random(), ..stage.access.clone() };
        (access.actors[1].role, access.actors[1].kinds) = (role, kinds);
        assert_eq!(code(publish(stage.client(), &stage.officer, &access, None).await), Code::KindNotServed);
    }
    let only = KeyringPolicy { r#use: KeyringUse::Authenticate, algorithm: None, ..policy() };
    let malformed = [
        KeyringPolicy { biometric: Biometric::Face, ..policy() },
        KeyringPolicy { face, ..policy() },
        KeyringPolicy {
            biometric: Biometric::Face,
            face: face.map(|face| FaceRule { least: 1001, ..face }),
            ..policy()
        },
        // Copies of a keyring that has one terminal, or several that none could come to.
        KeyringPolicy { roaming: Roaming::Copy, ..policy() },
        KeyringPolicy { terminals_most: 2, ..policy() },
        KeyringPolicy { terminals_most: 2, roaming: Roaming::Move, ..policy() },
        KeyringPolicy { pin: PinRule { least: 5, most: 8 }, ..policy() },
        KeyringPolicy { algorithm: None, ..policy() },
        KeyringPolicy { authority: CertificateSource::None, ..policy() },
        KeyringPolicy {
            pin: PinRule { least: 3, most: 8 },
            authority: CertificateSource::None,
            ..only.clone()
        },
        only,
    ];
    for document in malformed {
        let refused = code(publish(stage.client(), &stage.officer, &document, None).await);
        assert_eq!(refused, Code::DocumentMalformed, "{document:?}");
    }
}

#[tokio::test]
async fn who_is_taken_out_acts_no_more_and_a_policy_that_ended_makes_nothing() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let row = stage.client().current(sceau_element_api::Kind::KeyringAccess, stage.policy.organisation).await;
    let row = row.unwrap().unwrap();
    let mut actors = stage.access.actors.clone();
    actors[1].status = ActorStatus::Ended;
    let access = KeyringAccess { actors, previous: Some(row.hash), ..stage.access.clone() };
    publish(stage.client(), &stage.officer, &access, Some(row.version())).await.unwrap();
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::ActorUnknown);

    let package = stage.delivered().await;
    let ended = KeyringPolicy {
        status: PolicyStatus::Ended,
        previous: Some(stage.policy_version.hash),
        ..stage.policy.clone()
    };
    publish(stage.client(), &stage.officer, &ended, Some(stage.policy_version)).await.unwrap();
    let mut talk = Talk::begin(stage.client()).await;
    let answer = talk.ask(&stage.registrar, Ask::Fabricate { policy: stage.policy.policy }).await;
    assert_eq!(refused(&answer), Code::PolicyUnknown);
    let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
    let (_, register) = sceau_keyring::Pin::parse(PIN).unwrap().register().unwrap();
    let asked = super::stage::asked_to_activate(&device, &talk, &package, &register);
    let answer = talk.ask(&device, Ask::Activate(asked)).await;
    assert!(matches!(&answer, Answer::Refused(refusal) if refusal.code == Code::PolicyUnknown));
}

/// Between the login and the use, in which its request is not verified again.
#[tokio::test]
async fn who_is_taken_out_or_replaced_while_a_holder_types_is_not_signed_for() {
    let taken_out: [fn(&mut KeyringActor); 3] = [
        |actor| actor.status = ActorStatus::Ended,
        |actor| actor.kinds = vec![RequestKind::Authenticate],
        |actor| actor.certificate = Key::certified("another").certificate.into(),
    ];
    for turn in taken_out {
        let stage = Stage::begin().await;
        let terminal = stage.activated().await;
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
        let row = stage.client().current(sceau_element_api::Kind::KeyringAccess, stage.policy.organisation);
        let row = row.await.unwrap().unwrap();
        let mut access = KeyringAccess { previous: Some(row.hash), ..stage.access.clone() };
        turn(&mut access.actors[1]);
        publish(stage.client(), &stage.officer, &access, Some(row.version())).await.unwrap();
        let sad = terminal.consent(&stage, &attempt).sign(&terminal.device).unwrap();
        let (ask, _) = terminal.uses(&attempt, &sad);
        assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::ActorUnknown);
    }
}

#[tokio::test]
async fn a_renewed_provider_goes_on_for_old_terminals() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let row = stage.client().current(sceau_element_api::Kind::KeyringAccess, stage.policy.organisation).await;
    let row = row.unwrap().unwrap();
    let mut access = KeyringAccess { previous: Some(row.hash), ..stage.access.clone() };
    access.actors[1].certificate = stage.provider.renewed("provider").into();
    publish(stage.client(), &stage.officer, &access, Some(row.version())).await.unwrap();
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn the_provider_is_judged_again_when_the_holder_agreed() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let row = stage.client().current(sceau_element_api::Kind::KeyringAccess, stage.policy.organisation).await;
    let row = row.unwrap().unwrap();
    let access = KeyringAccess { actors: Vec::new(), previous: Some(row.hash), ..stage.access.clone() };
    publish(stage.client(), &stage.officer, &access, Some(row.version())).await.unwrap();
    let sad = sceau_keyring::Statement::sign(&terminal.consent(&stage, &attempt), &terminal.device).unwrap();
    let (ask, _) = terminal.uses(&attempt, &sad);
    assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::ActorUnknown);
}

#[tokio::test]
async fn keyrings_go_on_with_their_officer_alone() {
    let stage = Stage::begin().await;
    let (folder, seed) = stage.element.stop().await;
    let officer = Some(Key::certified("another").certificate);
    let keeping = Keeping { officer, ..Keeping::in_files(0) };
    let error = run_with(folder.path(), seed, None, keeping).err().unwrap().to_string();
    assert!(error.contains("another security officer"), "{error}");
}
