use sceau_crypto::{Typ, jws};
use sceau_dossiers::Letter;
use sceau_element_api::documents::Outcome;
use sceau_trace::{Action, Actor, ActorKind, Asserted, Record};

use crate::support::{Office, World};

/// A record of a release, as the office's key manager signs it.
fn opening(office: &Office, signer: &Office, dossier: &str, time: u64) -> String {
    let actor = Actor::new(ActorKind::CaseOfficer, office.officer.account.clone());
    let record = Record::builder(time, actor, Asserted::Organisation, Action::UNWRAP_OUTCOME)
        .granted()
        .subject("dossier", dossier)
        .build()
        .unwrap();
    jws::sign(&signer.sign, Typ::Record, &record.to_bytes())
}

#[tokio::test]
async fn one_letter_for_each_step_however_often_it_is_delivered() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let now = world.clock_now();
    let deposited = office.deposit(&citizen, now).await;
    let letters = world.letters().await;
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().any(|letter| matches!(letter, Letter::Deposited { .. })));
    assert!(letters.iter().any(|letter| matches!(letter, Letter::Waiting { .. })));

    // Two openings, each delivered twice, two of the deliveries at once.
    let dossier = deposited.dossier.to_string();
    let first = [opening(&office, &office, &dossier, now)];
    let second = [opening(&office, &office, &dossier, now + 1)];
    let (a, b) =
        tokio::join!(office.machine.deliver_records(&first), office.machine.deliver_records(&second));
    assert_ne!(a.unwrap(), b.unwrap());
    office.machine.deliver_records(&first).await.unwrap();
    let opened: Vec<Letter> = world.letters().await;
    assert!(matches!(opened.as_slice(), [Letter::Opened { .. }]), "{opened:?}");

    let decision = office.decision(&deposited, Outcome::Accepted, "Complet.", now);
    office.machine.deliver_decision(&decision).await.unwrap();
    office.machine.deliver_decision(&decision).await.unwrap();
    world.dossiers.recover().await.unwrap();
    let decided = world.letters().await;
    assert!(
        matches!(decided.as_slice(), [Letter::Decided { state, .. }] if state == "accepted"),
        "{decided:?}"
    );
    let refused = office.decision(&deposited, Outcome::Refused, "Non.", now + 1);
    let refused = office.machine.deliver_decision(&refused).await.unwrap_err();
    assert_eq!(refused.code(), Some("already_decided"));
    assert!(world.letters().await.is_empty());
}

#[tokio::test]
async fn a_record_of_another_organisation_is_on_no_timeline() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (lyon, lille) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let citizen = world.citizen("citizen@example.org").await;
    let now = world.clock_now();
    let deposited = lyon.deposit(&citizen, now).await;
    world.letters().await;
    // Lille says that it opened Lyon's dossier, and has Lyon's own client deliver it.
    let forged = [opening(&lille, &lille, &deposited.dossier.to_string(), now)];
    lyon.machine.deliver_records(&forged).await.unwrap();
    lille.machine.deliver_records(&forged).await.unwrap();
    assert!(world.letters().await.is_empty());
    assert_eq!(world.count("SELECT count(*) AS n FROM events WHERE action = 'unwrap.outcome'", &[]).await, 0);
}
