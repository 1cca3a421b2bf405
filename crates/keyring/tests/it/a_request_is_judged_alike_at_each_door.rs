//! What a door judges a request by: the rules, their codes and words. Each door plays the same table besides: the host (`keyrings: requests`), the terminal
//! (`client: terminal::sign`) and the element (`element: keyrings::consents`).

use sceau_element_api::keyring::{
    ActorRole, ActorStatus, Biometric, CertificateSource, Disclosure, Dissociation, KeyringActor,
    KeyringAlgorithm, KeyringPolicy, KeyringUse, PinRule, PolicyStatus, RequestKind, Roaming, SecondFactor,
};
use sceau_element_api::wire::Code;
use sceau_element_api::{KeyringActorId, KeyringId, OrganisationId, PolicyId};
use sceau_keyring::{Asks, Door, Request, Statement as _, Validity, bad_requests, good_request};

const ORIGIN: &str = "example.org/log";
const NOW: u64 = 1_800_000_000_000;

fn policy() -> KeyringPolicy {
    KeyringPolicy {
        v: 1,
        origin: ORIGIN.to_owned(),
        policy: PolicyId::random(),
        organisation: OrganisationId::random(),
        name: "Leases".to_owned(),
        r#use: KeyringUse::Sign,
        pin: PinRule { least: 6, most: 8 },
        second_factor: SecondFactor::None,
        algorithm: Some(KeyringAlgorithm::Es256),
        authority: CertificateSource::Embedded { days: 365 },
        subject: Vec::new(),
        activation_days: 30,
        terminals_most: 1,
        roaming: Roaming::None,
        biometric: Biometric::None,
        face: None,
        batch_most: 10,
        request_seconds: 300,
        unfinished_most: None,
        dissociation: Dissociation::Holder,
        discloses: Disclosure::Keyring,
        applies_to_existing: false,
        status: PolicyStatus::Active,
        previous: None,
        time: NOW,
    }
}

fn provider(policy: &KeyringPolicy) -> KeyringActor {
    KeyringActor {
        id: KeyringActorId::random(),
        role: ActorRole::ServiceProvider,
        name: "Notaires".to_owned(),
        certificate: Vec::new().into(),
        policies: vec![policy.policy],
        kinds: vec![RequestKind::Sign, RequestKind::Authenticate],
        status: ActorStatus::Active,
    }
}

fn judged(
    request: &Request,
    (actor, validity): (&KeyringActor, Validity),
    policy: &KeyringPolicy,
) -> Result<(), (Code, String)> {
    let door =
        Door { by: Asks { actor, validity }, policy, keyring: request.keyring, origin: ORIGIN, now: NOW };
    request.judge(&door).map_err(|refusal| (refusal.code, refusal.detail))
}

#[test]
fn each_rule_is_refused_by_its_code_and_words() {
    let (policy, keyring) = (policy(), KeyringId::random());
    let actor = provider(&policy);
    let by = Asks { actor: &actor, validity: Validity::AsBound };
    let door = Door { by, policy: &policy, keyring, origin: ORIGIN, now: NOW };
    let good = good_request(actor.id, keyring, ORIGIN, NOW);
    assert_eq!(good.judge(&door), Ok(()));
    for bad in bad_requests() {
        let mut request = good.clone();
        (bad.turn)(&mut request, &policy);
        // It is a request all the same: what is refused is not its shape.
        assert!(request.to_bytes().is_ok(), "{}", bad.name);
        let refused = request.judge(&door).unwrap_err();
        assert_eq!((refused.code, refused.detail.as_str()), (bad.code, bad.words), "{}", bad.name);
    }
}

#[test]
fn a_provider_asks_what_it_is_registered_for_while_its_certificate_counts() {
    let policy = policy();
    let actor = provider(&policy);
    let request = good_request(actor.id, KeyringId::random(), ORIGIN, NOW);
    let registered = |from, until| Validity::Registered { from, until };
    assert_eq!(judged(&request, (&actor, registered(NOW, NOW)), &policy), Ok(()));
    for (from, until) in [(0, NOW - 1), (NOW + 1, u64::MAX)] {
        let (code, words) = judged(&request, (&actor, registered(from, until)), &policy).unwrap_err();
        assert_eq!(code, Code::ActorUnknown);
        assert!(words.contains("not in its validity"), "{words}");
    }
    let others = [
        KeyringActor { role: ActorRole::Support, ..actor.clone() },
        KeyringActor { status: ActorStatus::Ended, ..actor.clone() },
        KeyringActor { policies: vec![PolicyId::random()], ..actor.clone() },
        KeyringActor { kinds: vec![RequestKind::Authenticate], ..actor.clone() },
        KeyringActor { id: KeyringActorId::random(), ..actor },
    ];
    for other in others {
        let refused = judged(&request, (&other, Validity::AsBound), &policy).unwrap_err();
        assert_eq!(refused, (Code::ActorUnknown, Asks::MAY_NOT.to_owned()), "{other:?}");
    }
}

#[test]
fn nobody_but_a_holder_asks_what_is_a_holders_and_a_keyring_without_a_key_signs_nothing() {
    let policy = policy();
    let actor = provider(&policy);
    let mut own = good_request(actor.id, KeyringId::random(), ORIGIN, NOW);
    (own.kind, own.algorithm) = (RequestKind::Destroy, None);
    own.items.clear();
    // Even where the officer registered it by mistake.
    let registered = KeyringActor { kinds: vec![RequestKind::Destroy], ..actor.clone() };
    let (code, words) = judged(&own, (&registered, Validity::AsBound), &policy).unwrap_err();
    assert_eq!(code, Code::RequestInvalid);
    assert!(words.contains("sign and to authenticate alone"), "{words}");

    assert_eq!(own.judge_own(own.keyring, ORIGIN, NOW).unwrap_err().code, Code::RequestInvalid);
    own.provider = KeyringActorId::of_holder(own.keyring);
    assert_eq!(own.judge_own(own.keyring, ORIGIN, NOW), Ok(()));
    for (keyring, origin, now) in
        [(KeyringId::random(), ORIGIN, NOW), (own.keyring, "other", NOW), (own.keyring, ORIGIN, own.ends)]
    {
        assert_eq!(own.judge_own(keyring, origin, now).unwrap_err().code, Code::RequestInvalid);
    }

    let shows = KeyringPolicy { r#use: KeyringUse::Authenticate, algorithm: None, ..policy };
    let signs = good_request(actor.id, KeyringId::random(), ORIGIN, NOW);
    let (code, words) = judged(&signs, (&actor, Validity::AsBound), &shows).unwrap_err();
    assert_eq!(code, Code::RequestInvalid);
    assert!(words.contains("only shows who its holder is"), "{words}");
    let mut asks = signs;
    (asks.kind, asks.algorithm) = (RequestKind::Authenticate, None);
    asks.items.clear();
    assert_eq!(judged(&asks, (&actor, Validity::AsBound), &shows), Ok(()));
}
