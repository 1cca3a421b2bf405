//! A consent names all that it is about: whatever is turned makes another one of it. A request that could mislead is none.

use sceau_crypto::sha256;
use sceau_element_api::keyring::{KeyringAlgorithm, RequestKind};
use sceau_element_api::wire::{Code, Version};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, Nonce};
use sceau_keyring::{Expected, Item, ItemHash, Request, Sad, Statement};
use sceau_trace::Hash;

use crate::Key;

fn request() -> Request {
    let item =
        |label: &str| Item { label: label.to_owned(), hash: sha256(label.as_bytes()).as_slice().into() };
    Request {
        v: 1,
        request: KeyringRequestId::random(),
        provider: KeyringActorId::random(),
        keyring: KeyringId::random(),
        kind: RequestKind::Sign,
        description: "Two leases".to_owned(),
        items: vec![item("first.pdf"), item("second.pdf")],
        hash: ItemHash::Sha256,
        algorithm: Some(KeyringAlgorithm::Es256),
        aud: "log".to_owned(),
        time: 1_000_000,
        ends: 1_300_000,
        nonce: None,
        terminal: None,
    }
}

fn expected<'a>(request: &'a Request, jws: &'a str) -> Expected<'a> {
    Expected {
        keyring: request.keyring,
        key: &[1; 16],
        terminal: [2; 32],
        provider: Hash::new([3; 32]),
        request_jws: jws,
        request,
        policy: Hash::new([4; 32]),
        state: Version { version: 5, hash: Hash::new([5; 32]) },
        challenge: Nonce([6; 32]),
        seq: 2,
        opaque: Sad::transcript(&[7; 96], &[8; 320], &[9; 64]),
        time: 1_100_000,
        ends: 1_200_000,
    }
}

#[test]
fn whatever_is_turned_makes_another_consent() {
    let asked = request();
    let jws = "a.b.c";
    let sad = Sad::expected(&expected(&asked, jws));
    assert_eq!(sad.count, 2);
    let key = Key::generate();
    assert_eq!(Sad::verify(&sad.sign(&key).unwrap(), &key.spki).unwrap(), sad);

    let mut swapped = asked.clone();
    swapped.items.swap(0, 1);
    let mut fewer = asked.clone();
    fewer.items.pop();
    let mut retold = asked.clone();
    retold.description = "Two loans".to_owned();
    let mut relabelled = asked.clone();
    relabelled.items[0].label = "third.pdf".to_owned();
    for other in [&swapped, &fewer, &retold, &relabelled] {
        assert_ne!(Sad::expected(&expected(other, jws)), sad);
    }
    let base = expected(&asked, jws);
    for other in [
        Expected { key: &[0; 16], ..base },
        Expected { keyring: KeyringId::random(), ..base },
        Expected { terminal: [0; 32], ..base },
        Expected { provider: Hash::new([0; 32]), ..base },
        Expected { request_jws: "a.b.d", ..base },
        Expected { policy: Hash::new([0; 32]), ..base },
        Expected { state: Version { version: 6, ..base.state }, ..base },
        Expected { state: Version { hash: Hash::new([0; 32]), ..base.state }, ..base },
        Expected { challenge: Nonce([0; 32]), ..base },
        Expected { seq: 3, ..base },
        Expected { opaque: Sad::transcript(&[0; 96], &[8; 320], &[9; 64]), ..base },
        Expected { time: 0, ..base },
        Expected { ends: 1_200_001, ..base },
    ] {
        assert_ne!(Sad::expected(&other), sad);
    }
}

#[test]
fn a_request_that_could_mislead_is_none() {
    let bytes = |turn: &dyn Fn(&mut Request)| {
        let mut turned = request();
        turn(&mut turned);
        turned.to_bytes().map(|_| ()).map_err(|refusal| refusal.code)
    };
    assert_eq!(bytes(&|_| {}), Ok(()));
    let wrong: [&dyn Fn(&mut Request); 9] = [
        &|it| it.description = "pay \u{202e}".to_owned(),
        &|it| it.description = "pаypal".to_owned(),
        &|it| it.items[1].label = "a\nb".to_owned(),
        &|it| it.items[1].hash = vec![0; 31].into(),
        &|it| it.items.clear(),
        &|it| it.kind = RequestKind::Authenticate,
        &|it| it.items = vec![it.items[0].clone(); 101],
        &|it| it.ends = it.time + 600_001,
        &|it| it.ends = it.time,
    ];
    for (at, turn) in wrong.iter().enumerate() {
        assert_eq!(bytes(turn), Err(Code::RequestInvalid), "{at}");
    }
    assert!(request().is_good_at(1_000_000) && !request().is_good_at(1_300_000) && !request().is_good_at(1));
}
