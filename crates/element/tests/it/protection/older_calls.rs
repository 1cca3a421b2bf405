//! Calls that are encrypted by RSA-OAEP with SHA-1: where the element was started to take them, under a key that no other algorithm has.

use sceau_crypto::jose::jwe::{EncryptionKey, KeyAlgorithm};
use sceau_element_api::Client;
use sceau_element_api::wire::Code;
use serde_json::{Value, json};

use super::tokens::{Teller, create};
use crate::house::{Keeping, refused};

const SHA1: KeyAlgorithm = KeyAlgorithm::DangerRsaOaepSha1;

async fn published(client: &Client) -> Vec<Value> {
    let keys: Value = serde_json::from_str(&client.published_keys().await.unwrap()).unwrap();
    keys["keys"].as_array().unwrap().clone()
}

fn of_algorithm(keys: &[Value], algorithm: KeyAlgorithm) -> Option<&Value> {
    keys.iter().find(|key| key["alg"] == algorithm.name())
}

/// The key with another algorithm in its place, as a caller could write it.
fn taken_for(key: &Value, algorithm: KeyAlgorithm) -> EncryptionKey {
    let mut key = key.clone();
    key["alg"] = json!(algorithm.name());
    EncryptionKey::parse(key.to_string().as_bytes(), &[algorithm]).unwrap()
}

#[tokio::test]
async fn they_are_taken_under_a_key_of_their_own_and_only_where_the_element_was_started_so() {
    let takes = Keeping { rsa_oaep: true, ..Keeping::in_files(1) };
    let mut teller = Teller::begin_keeping(SHA1, takes.clone()).await;
    let keys = published(teller.house.client()).await;
    assert_eq!(keys.len(), 4);
    let (older, usual) =
        (of_algorithm(&keys, SHA1).unwrap().clone(), of_algorithm(&keys, KeyAlgorithm::RsaOaep256).unwrap());
    assert_ne!(older["n"], usual["n"], "a key is for one algorithm");
    assert_ne!(older["kid"], usual["kid"]);
    assert_eq!(older["use"], "enc");

    // The usual one still is taken, and the answers are to the application's own key, by its algorithm.
    let created = teller.ask_encrypted("alice", create()).await;
    assert!(created["answer"]["datum"].is_string());
    let confused = [taken_for(&older, KeyAlgorithm::RsaOaep256), taken_for(usual, SHA1)];
    teller.calls = taken_for(&older, SHA1);
    let described = json!({"describe": {"datum": created["answer"]["datum"]}});
    assert_eq!(
        teller.ask_encrypted("alice", described.clone()).await["answer"]["document"]["name"],
        "Ordonnance"
    );
    for calls in confused {
        teller.calls = calls;
        let call = teller.encrypt(&teller.token(&teller.claims("alice", create())));
        refused(teller.bring(&call).await, Code::ProofInvalid);
    }

    // Started without, it neither publishes the key nor opens anything under it; started with it once more, it has the same.
    teller.calls = taken_for(&older, SHA1);
    teller.house.element.restart_with(Keeping::in_files(1)).await;
    assert!(of_algorithm(&published(teller.house.client()).await, SHA1).is_none());
    let call = teller.encrypt(&teller.token(&teller.claims("alice", described.clone())));
    refused(teller.bring(&call).await, Code::ProofInvalid);
    teller.house.element.restart_with(takes).await;
    assert_eq!(of_algorithm(&published(teller.house.client()).await, SHA1), Some(&older));
    assert_eq!(teller.ask_encrypted("alice", described).await["answer"]["document"]["name"], "Ordonnance");
}
