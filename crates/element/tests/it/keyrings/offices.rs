//! One security officer after the other: by the word of the one in office, from then on the next one alone.

use sceau_element_api::CallError;
use sceau_element_api::keyring::{KeyringOfficer, KeyringPolicy};
use sceau_element_api::wire::Code;
use sceau_trace::{ActorKind, Asserted, sha256};

use super::stage::{Key, Stage, now, policy, publish};
use crate::house::{Keeping, ORIGIN, run_with};

fn code<T: std::fmt::Debug>(refused: Result<T, CallError>) -> Code {
    refused.unwrap_err().refusal().unwrap().code
}

/// That this one is next, after that one.
fn next(next: &Key, after: &Key) -> KeyringOfficer {
    KeyringOfficer {
        v: 1,
        origin: ORIGIN.to_owned(),
        certificate: next.certificate.clone().into(),
        follows: sha256(&after.certificate),
        previous: None,
        time: now(),
    }
}

#[tokio::test]
async fn the_next_officer_alone_is_heard_and_nobody_puts_the_one_before_back() {
    let stage = Stage::begin().await;
    let (second, third) = (Key::certified("second"), Key::certified("third"));
    // Nobody but the one in office.
    for by in [&second, &stage.registrar] {
        let refused = publish(stage.client(), by, &next(&second, &stage.officer), None).await;
        assert_eq!(code(refused), Code::ProofInvalid);
    }
    assert_eq!(
        code(crate::house::by_platform(stage.client(), &next(&second, &stage.officer), None).await),
        Code::ProofRequired
    );
    let first = next(&second, &stage.officer);
    let row = publish(stage.client(), &stage.officer, &first, None).await.unwrap();
    let record = crate::house::shown(stage.client(), row.index).await;
    assert_eq!((record.action().as_str(), record.actor().kind), ("keyring.officer", ActorKind::Officer));
    assert_eq!(
        (record.asserted(), record.actor().id.as_str()),
        (Asserted::Actor, &*sha256(&stage.officer.certificate).to_string())
    );
    assert_eq!(record.detail()["officer"], sha256(&second.certificate).to_string());

    // The one of before signs no policy, and names nobody.
    assert_eq!(code(publish(stage.client(), &stage.officer, &policy(), None).await), Code::ProofInvalid);
    let back = KeyringOfficer { previous: Some(row.hash), ..next(&third, &stage.officer) };
    let refused = publish(stage.client(), &stage.officer, &back, Some(row.version())).await;
    assert_eq!(code(refused), Code::ProofInvalid);
    let current = stage.policy_version;
    let changed = KeyringPolicy { batch_most: 5, previous: Some(current.hash), ..stage.policy.clone() };
    publish(stage.client(), &second, &changed, Some(current)).await.unwrap();
    // Whoever pins the element sees who is in office; and it is so after a restart.
    let stage = stage.restart().await;
    assert_eq!(stage.client().keyrings_about().await.unwrap().officer, sha256(&second.certificate));
    assert_eq!(code(publish(stage.client(), &stage.officer, &policy(), None).await), Code::ProofInvalid);
    // Over another version, or after another officer, the one in office names nobody either.
    let stale = publish(stage.client(), &second, &next(&third, &second), Some(row.version())).await;
    assert_eq!(code(stale), Code::StaleVersion);
    let after = KeyringOfficer { previous: Some(row.hash), ..next(&third, &stage.officer) };
    assert_eq!(code(publish(stage.client(), &second, &after, Some(row.version())).await), Code::StaleVersion);
    let next = KeyringOfficer { previous: Some(row.hash), ..next(&third, &second) };
    publish(stage.client(), &second, &next, Some(row.version())).await.unwrap();
    publish(stage.client(), &third, &policy(), None).await.unwrap();
}

#[tokio::test]
async fn who_would_not_be_heard_is_not_named() {
    let stage = Stage::begin().await;
    let second = Key::certified("second");
    let same = next(&stage.officer, &stage.officer);
    let none = KeyringOfficer { certificate: vec![1, 2, 3].into(), ..next(&second, &stage.officer) };
    for document in [same, none] {
        let refused = publish(stage.client(), &stage.officer, &document, None).await;
        assert_eq!(code(refused), Code::DocumentMalformed);
    }
    let elsewhere =
        KeyringOfficer { origin: "example.org/staging".to_owned(), ..next(&second, &stage.officer) };
    assert_eq!(code(publish(stage.client(), &stage.officer, &elsewhere, None).await), Code::CallElsewhere);
}

#[tokio::test]
async fn a_start_with_a_former_officers_file_goes_by_the_log_and_one_with_a_strangers_does_not_start() {
    let stage = Stage::begin().await;
    let second = Key::certified("second");
    publish(stage.client(), &stage.officer, &next(&second, &stage.officer), None).await.unwrap();
    // `restart` names the first one again.
    let stage = stage.restart().await;
    assert_eq!(code(publish(stage.client(), &stage.officer, &policy(), None).await), Code::ProofInvalid);
    publish(stage.client(), &second, &policy(), None).await.unwrap();
    let (folder, seed) = stage.element.stop().await;
    let officer = Some(Key::certified("another").certificate);
    let keeping = Keeping { officer, ..Keeping::in_files(0) };
    let error = run_with(folder.path(), seed, None, keeping).err().unwrap().to_string();
    assert!(
        error.contains("another security officer")
            && error.contains(&sha256(&second.certificate).to_string()),
        "{error}"
    );
}
