#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts as _, Request};
use axum::http::request::Parts;
use sceau_accounts::callers::Presented;
use sceau_crypto::SigningKey;
use sceau_pki::{Authority, AuthorityProfile};
use sceau_store::{Database, SystemClock};
use sceau_trace::sha256;

use super::*;
use crate::MIGRATIONS;
use crate::roles::{Officer, keep_shown};

/// A host before an element that is not there.
async fn host() -> (Host, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let rows = Rows::new(Database::open(&folder.path().join("records.db"), &migrations).await.unwrap());
    let word = PublicJwk::of_signer(&SigningKey::generate().verifying_key()).to_json();
    let about = KeyringsAbout {
        origin: "example.org/log".to_owned(),
        log: String::new(),
        channel: Vec::new().into(),
        word,
        officer: sha256(b"officer"),
        authority: None,
    };
    let element = Client::new(folder.path().join("nobody.sock"));
    let host =
        Host::new(element, about, (rows, None), (Notices::default(), None), Arc::new(SystemClock)).await;
    (host.unwrap(), folder)
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn who_sends_slowly_from_one_address_takes_its_own_share_of_bodies() {
    let (host, _folder) = host().await;
    let held: Vec<_> =
        (0..ARRIVING_OF_ONE_ADDRESS).map(|_| host.arriving(address("192.0.2.1")).unwrap()).collect();
    assert_eq!(host.arriving(address("192.0.2.1")).unwrap_err().code(), "busy");
    let other = host.arriving(address("192.0.2.2")).unwrap();
    drop((held, other));
    // Of all together there are so many, and of memory so much.
    let all: Vec<_> = (0..ARRIVING).map(|_| host.arriving(None).unwrap()).collect();
    assert_eq!(host.arriving(address("192.0.2.2")).unwrap_err().code(), "busy");
    drop(all);
    let memory = host.memory(BODIES - 1).unwrap();
    assert_eq!(host.memory(2).unwrap_err().code(), "busy");
    drop(memory);
    assert!(host.memory(2).is_ok() && host.arriving(address("192.0.2.1")).is_ok());
}

/// Somebody who comes from there with the certificate of nobody in particular.
async fn parts(from: &str) -> Parts {
    let authority = Authority::create(&AuthorityProfile::of("stranger"), SystemClock.now_ms()).unwrap();
    let mut request = Request::new(axum::body::Body::empty());
    let leaf = authority.certificate().der().to_vec();
    request.extensions_mut().insert(Presented::Chain(vec![leaf.into()].into()));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 7)));
    keep_shown(request).await.unwrap().into_parts().0
}

/// To find out who is the officer asks the element: not for whoever shows any certificate as often as they like.
#[tokio::test]
async fn the_element_is_asked_who_the_officer_is_by_who_has_a_place() {
    let (host, _folder) = host().await;
    let mut parts = parts("192.0.2.1").await;
    let held: Vec<_> = (0..OF_ONE_ADDRESS).map(|_| host.room(address("192.0.2.1")).unwrap()).collect();
    let refused = Officer::from_request_parts(&mut parts, &host).await.err().unwrap();
    assert_eq!(refused.code(), "busy", "the element, which is not there, was not asked");
    drop(held);
    let refused = Officer::from_request_parts(&mut parts, &host).await.err().unwrap();
    assert_eq!(refused.code(), "unavailable", "now it was");
}

#[tokio::test]
async fn providers_that_wait_take_no_terminals_places_nor_each_others() {
    let (host, _folder) = host().await;
    let (organisation, provider) = (OrganisationId::random(), KeyringActorId::random());
    let held: Vec<_> =
        (0..POLLING_OF_PROVIDER).map(|_| host.polling_place(organisation, provider).unwrap()).collect();
    assert_eq!(host.polling_place(organisation, provider).unwrap_err().code(), "busy");
    // Of the same id in another organisation it is another one.
    assert!(host.polling_place(OrganisationId::random(), provider).is_ok());
    let others: Vec<_> = (POLLING_OF_PROVIDER..POLLING)
        .map(|_| host.polling_place(organisation, KeyringActorId::random()).unwrap())
        .collect();
    assert_eq!(host.polling_place(organisation, KeyringActorId::random()).unwrap_err().code(), "busy");
    let (keyring, terminal) = (KeyringId::random(), TerminalId::random());
    assert!(host.waiting_place(keyring, terminal).is_ok());
    drop((held, others));
}

/// Whoever has a copy of a terminal waits in its places alone.
#[tokio::test]
async fn a_terminal_that_waits_leaves_the_other_ones_of_its_keyring_theirs() {
    let (host, _folder) = host().await;
    let (keyring, [copied, own]) = (KeyringId::random(), [(); 2].map(|()| TerminalId::random()));
    let held: Vec<_> =
        (0..WAITING_OF_TERMINAL).map(|_| host.waiting_place(keyring, copied).unwrap()).collect();
    assert_eq!(host.waiting_place(keyring, copied).unwrap_err().code(), "busy");
    assert!(host.waiting_place(keyring, own).is_ok());
    drop(held);
    assert!(host.waiting_place(keyring, copied).is_ok());
}
