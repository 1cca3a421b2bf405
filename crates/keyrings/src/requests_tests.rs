#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]

use sceau_crypto::SigningKey;
use sceau_element_api::keyring::{ActorRole, ActorStatus, KeyringActor, KeyringAlgorithm, RequestKind};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{Base64Url, Kind, OrganisationId, PolicyId};
use sceau_keyring::{GivenNonce, ItemHash, Signs, SignsError, Validity, bad_requests, good_request};
use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Postgres};
use sceau_trace::sha256;
use serde_json::json;

use super::*;
use crate::MIGRATIONS;
use crate::nonces::{LASTS, Nonces, Taken};
use crate::sole::Sole;

const NOW: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;

/// The same on both databases.
async fn each(test: impl AsyncFn(Rows)) {
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let folder = tempfile::tempdir().unwrap();
    test(Rows::new(Database::open(&folder.path().join("records.db"), &migrations).await.unwrap())).await;
    let judge = PostgresJudge::start().unwrap();
    let postgres = Postgres::at(judge.database().unwrap().parse().unwrap());
    test(Rows::new(Database::connect(&postgres, &migrations).await.unwrap())).await;
}

fn judged(keyring: KeyringId, provider: KeyringActorId, time: u64) -> Judged {
    let request = Request {
        v: 1,
        request: KeyringRequestId::random(),
        provider,
        keyring,
        kind: RequestKind::Sign,
        description: "a lease".to_owned(),
        items: Vec::new(),
        hash: ItemHash::Sha256,
        algorithm: Some(KeyringAlgorithm::Es256),
        aud: "example.org/log".to_owned(),
        time,
        ends: time + 5 * MINUTE,
        nonce: None,
        terminal: None,
    };
    let jws = format!("jws of {}", request.request);
    Judged { request, organisation: "organisation".to_owned(), policy: "policy".to_owned(), jws }
}

fn code(refused: Result<bool, Refused>) -> String {
    refused.unwrap_err().code().to_owned()
}

#[tokio::test]
async fn a_provider_fills_no_list_and_a_request_is_settled_once() {
    each(async |rows: Rows| {
        let (notices, keyring, provider) =
            (Notices::default(), KeyringId::random(), KeyringActorId::random());
        let leave = async |judged: &Judged, now| rows.deposit(judged, &notices, now).await;
        let mut left = Vec::new();
        for _ in 0..MOST_OF_PROVIDER {
            let one = judged(keyring, provider, NOW);
            assert!(leave(&one, NOW).await.unwrap());
            left.push(one);
        }
        assert_eq!(code(leave(&judged(keyring, provider, NOW), NOW).await), "requests_wait");
        // The same is left once; another under its id is not.
        assert!(!leave(&left[0], NOW).await.unwrap());
        let mut other = judged(keyring, provider, NOW);
        other.request.request = left[0].request.request;
        assert_eq!(code(leave(&other, NOW).await), "request_other");
        // Others still reach the holder, as many as there is room for.
        for _ in 0..(MOST_OF_KEYRING - MOST_OF_PROVIDER) {
            assert!(leave(&judged(keyring, KeyringActorId::random(), NOW), NOW).await.unwrap());
        }
        let late = judged(keyring, KeyringActorId::random(), NOW);
        assert_eq!(code(leave(&late, NOW).await), "holder_busy");
        assert!(leave(&judged(KeyringId::random(), provider, NOW), NOW).await.unwrap(), "another holder");

        // One answer, of one terminal.
        let (terminal, one) = (TerminalId::random(), left[0].request.request);
        let kept = async || rows.request(one).await.unwrap().unwrap();
        rows.settle(&kept().await, terminal, &Settled::Rejected, NOW).await.unwrap();
        assert_eq!(kept().await.state(NOW), RequestState::Rejected);
        rows.settle(&kept().await, terminal, &Settled::Rejected, NOW).await.unwrap();
        let elsewhere = rows.settle(&kept().await, TerminalId::random(), &Settled::Rejected, NOW).await;
        assert_eq!(elsewhere.unwrap_err().code(), "request_settled");

        // What ended leaves room, is listed no more, and is gone a day later.
        let then = NOW + 6 * MINUTE;
        assert_eq!(rows.waiting(keyring, NOW).await.unwrap().len(), 15);
        assert!(rows.waiting(keyring, then).await.unwrap().is_empty());
        let ended = left[1].request.request;
        assert_eq!(rows.request(ended).await.unwrap().unwrap().state(then), RequestState::Expired);
        let day = NOW + 25 * 60 * MINUTE;
        rows.forget_ended(then).await.unwrap();
        assert!(rows.request(ended).await.unwrap().is_some(), "its provider still asks");
        rows.forget_ended(day).await.unwrap();
        assert!(rows.request(ended).await.unwrap().is_none(), "though nobody asks anything more");
    })
    .await;
}

/// A *no* takes the terminal alone: who stole it has no PIN, and takes back nothing that the holder agreed to.
#[tokio::test]
async fn what_was_signed_takes_the_place_of_a_no_and_not_the_other_way_round() {
    each(async |rows: Rows| {
        let (thief, holder) = (TerminalId::random(), TerminalId::random());
        let one = judged(KeyringId::random(), KeyringActorId::random(), NOW);
        rows.deposit(&one, &Notices::default(), NOW).await.unwrap();
        let kept = async || rows.request(one.request.request).await.unwrap().unwrap();
        rows.settle(&kept().await, thief, &Settled::Rejected, NOW).await.unwrap();
        let (signatures, chain) = (Vec::new(), Vec::new());
        let outcome = Outcome { signatures, proof: "word".to_owned(), certificate: None, chain, index: 7 };
        let signed = Settled::Signed(Box::new(outcome));
        rows.settle(&kept().await, holder, &signed, NOW).await.unwrap();
        assert_eq!((kept().await.state(NOW), kept().await.outcome().is_some()), (RequestState::Signed, true));
        let again = rows.settle(&kept().await, thief, &Settled::Rejected, NOW).await;
        assert_eq!(again.unwrap_err().code(), "request_settled");
        assert_eq!(kept().await.state(NOW), RequestState::Signed);
    })
    .await;
}

/// Each organisation gives its actors their ids.
#[tokio::test]
async fn an_actor_of_another_organisation_has_nothing_of_one_of_the_same_id() {
    each(async |rows: Rows| {
        let (keyring, provider) = (KeyringId::random(), KeyringActorId::random());
        let notices = Notices::default();
        for _ in 0..MOST_OF_PROVIDER {
            rows.deposit(&judged(keyring, provider, NOW), &notices, NOW).await.unwrap();
        }
        assert_eq!(code(rows.deposit(&judged(keyring, provider, NOW), &notices, NOW).await), "requests_wait");
        let mut other = judged(keyring, provider, NOW);
        other.organisation = "another".to_owned();
        assert!(rows.deposit(&other, &notices, NOW).await.unwrap(), "its own are none of that one's");
        let kept = rows.request(other.request.request).await.unwrap().unwrap();
        assert_eq!((kept.provider, kept.organisation.as_str()), (provider, "another"));
    })
    .await;
}

#[tokio::test]
async fn a_holder_is_asked_so_often_an_hour() {
    each(async |rows: Rows| {
        let (keyring, provider, terminal) =
            (KeyringId::random(), KeyringActorId::random(), TerminalId::random());
        let notices = Notices::default();
        for _ in 0..MOST_OF_HOUR {
            let one = judged(keyring, provider, NOW);
            rows.deposit(&one, &notices, NOW).await.unwrap();
            let kept = rows.request(one.request.request).await.unwrap().unwrap();
            let why = Settled::Reported(ReportReason::Insistent);
            rows.settle(&kept, terminal, &why, NOW).await.unwrap();
        }
        let again = judged(keyring, provider, NOW);
        assert_eq!(code(rows.deposit(&again, &notices, NOW + 59 * MINUTE).await), "asked_often");
        assert!(rows.deposit(&again, &notices, NOW + 61 * MINUTE).await.unwrap());
    })
    .await;
}

/// A provider's key.
struct Provider(SigningKey, Vec<u8>);

impl Provider {
    fn new() -> Self {
        let key = SigningKey::generate();
        // A SubjectPublicKeyInfo of Ed25519 (RFC 8410 section 4).
        let prefix = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
        let spki = [prefix.as_slice(), key.verifying_key().as_bytes()].concat();
        Self(key, spki)
    }
}

impl Signs for Provider {
    fn spki(&self) -> &[u8] {
        &self.1
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        Ok(self.0.sign(message).to_vec())
    }
}

const ORIGIN: &str = "example.org/log";

/// Rows of an active keyring and its policy, and a provider that may ask its holder.
async fn asked_by(provider: &Provider, rows: &Rows) -> (KeyringId, KeyringPolicy, Acting) {
    let (organisation, id, keyring) = (OrganisationId::random(), PolicyId::random(), KeyringId::random());
    let policy = json!({
        "v": 1, "origin": ORIGIN, "policy": id, "organisation": organisation, "name": "Leases",
        "use": "sign", "pin": {"least": 6, "most": 12}, "second_factor": "none", "algorithm": "ES256",
        "authority": {"embedded": {"days": 365}}, "subject": ["common_name"], "activation_days": 30,
        "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10,
        "request_seconds": 300, "dissociation": "holder", "applies_to_existing": false,
        "status": "active", "time": NOW,
    });
    let written = serde_json::to_vec(&policy).unwrap();
    let terminal = json!({
        "terminal": TerminalId::random(), "thumbprint": Base64Url(vec![2; 32]), "bound": NOW, "provisional": false,
    });
    let document = json!({
        "v": 1, "keyring": keyring, "organisation": organisation, "policy": id,
        "policy_hash": sha256(&written), "authority": KeyringActorId::random(), "phase": "active",
        "made": NOW, "activated": NOW, "terminals": [terminal],
        "key": {"id": Base64Url(vec![1; 16]), "algorithm": "ES256", "spki": "03".repeat(32)},
    });
    let kept = [(Kind::KeyringPolicy, written), (Kind::Keyring, serde_json::to_vec(&document).unwrap())];
    for (index, (kind, payload)) in (1..).zip(kept) {
        let row = AttestedRow { version: 1, hash: sha256(&payload), index };
        rows.keep(kind, &row, &payload, (index, false)).await.unwrap();
    }
    let actor = KeyringActor {
        id: KeyringActorId::random(),
        role: ActorRole::ServiceProvider,
        name: "Notaires".to_owned(),
        certificate: Vec::new().into(),
        policies: vec![id],
        kinds: vec![RequestKind::Sign, RequestKind::Authenticate],
        status: ActorStatus::Active,
    };
    let validity = Validity::Registered { from: NOW, until: NOW };
    let acting = Acting { organisation, actor, spki: provider.spki().to_vec(), validity };
    (keyring, serde_json::from_value(policy).unwrap(), acting)
}

#[tokio::test]
async fn the_host_judges_a_request_as_each_door_does() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let rows = Rows::new(Database::open(&folder.path().join("records.db"), &migrations).await.unwrap());
    let provider = Provider::new();
    let (keyring, policy, acting) = asked_by(&provider, &rows).await;
    let good = || good_request(acting.actor.id, keyring, ORIGIN, NOW);
    let left = async |request: &Request, now| {
        judge(&rows, std::slice::from_ref(&acting), request.sign(&provider).unwrap(), ORIGIN, now).await
    };
    assert!(left(&good(), NOW).await.is_ok());
    for bad in bad_requests() {
        let mut request = good();
        (bad.turn)(&mut request, &policy);
        let refused = left(&request, NOW).await.err().unwrap();
        // Which keyring it is brought to, it says itself here: where there is none, that is said.
        let (code, words) = match bad.name {
            "of another keyring" => (Code::KeyringUnknown, "there is no such keyring of your policies"),
            _ => (bad.code, bad.words),
        };
        assert_eq!((refused.code(), refused.words()), (code.as_str(), Some(words)), "{}", bad.name);
    }
    let late = left(&good(), NOW + 1).await.err().unwrap();
    assert_eq!(late.code(), "actor_unknown", "its certificate ended meanwhile");
}

#[tokio::test]
async fn a_nonce_is_taken_once_by_whichever_host() {
    each(async |rows: Rows| {
        let (one, other) =
            (Nonces::open(rows.clone(), false).await.unwrap(), Nonces::open(rows, false).await.unwrap());
        let GivenNonce { nonce, ends } = one.give(NOW);
        assert!(other.knows(&nonce, NOW) && other.knows(&nonce, ends - 1) && !other.knows(&nonce, ends));
        assert!(!other.knows(&nonce, NOW - LASTS), "none that is good for longer was given");
        let mut altered = nonce;
        altered.0[9] ^= 1;
        assert!(!one.knows(&altered, NOW));
        assert_eq!(other.take(&nonce, NOW).await.unwrap(), Taken::First);
        assert_eq!(one.take(&nonce, NOW).await.unwrap(), Taken::Before);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_is_alone_takes_its_own_nonces_once_and_no_others() {
    each(async |rows: Rows| {
        let [shared, one, again] = [false, true, true].map(|alone| Nonces::open(rows.clone(), alone));
        let (shared, one, again) = (shared.await.unwrap(), one.await.unwrap(), again.await.unwrap());
        let GivenNonce { nonce, ends } = one.give(NOW);
        assert!(one.knows(&nonce, NOW) && one.knows(&nonce, ends - 1) && !one.knows(&nonce, ends));
        assert!(!shared.knows(&nonce, NOW) && !again.knows(&nonce, NOW), "nor itself, once it began anew");
        assert!(!one.knows(&shared.give(NOW).nonce, NOW));
        assert_eq!(one.take(&nonce, NOW).await.unwrap(), Taken::First);
        assert_eq!(one.take(&nonce, ends - 1).await.unwrap(), Taken::Before);
    })
    .await;
}

#[test]
fn one_host_has_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let one = Sole::take(folder.path()).unwrap();
    assert!(one.is_some() && Sole::take(folder.path()).unwrap().is_none());
    drop(one);
    assert!(Sole::take(folder.path()).unwrap().is_some());
    assert!(Sole::take(&folder.path().join("none")).is_err());
}
