//! Reads: every proof verifies with the log's key alone, and nothing is answered beyond what is durable.

use sceau_element_api::wire::{Code, MAX_ROWS, RecordDraft, RowKey};
use sceau_element_api::{AccountId, Kind};
use sceau_trace::{
    Action, Actor, ActorKind, Evidence, Hash, SignedCheckpoint, VerifierKey, leaf_hash, verify_consistency,
    verify_inclusion,
};

use crate::house::{Element, refused};

async fn log_of(entries: usize) -> Element {
    let element = Element::begin();
    let appended = (0..entries).map(|_| {
        let client = element.client.clone();
        let actor = Actor::new(ActorKind::Citizen, AccountId::random().to_string());
        tokio::spawn(async move { client.append(RecordDraft::new(actor, Action::LOGIN)).await.unwrap() })
    });
    let mut indices = Vec::new();
    for index in appended.collect::<Vec<_>>() {
        indices.push(index.await.unwrap());
    }
    indices.sort_unstable();
    assert_eq!(indices, (1..=entries as u64).collect::<Vec<_>>(), "each has an index of its own");
    element
}

#[tokio::test]
async fn every_entry_has_its_proof() {
    let element = log_of(300).await;
    let client = &element.client;
    let key = VerifierKey::parse(&client.hello().await.unwrap().log_key).unwrap();
    let note = client.checkpoint().await.unwrap();
    let checkpoint = SignedCheckpoint::parse(&note).unwrap().verify(&key).unwrap();
    assert_eq!(checkpoint.size(), 301);
    let mut start = 0;
    while start < 301 {
        let entries = client.entries(start, 256).await.unwrap();
        assert!(!entries.is_empty());
        for (offset, entry) in entries.iter().enumerate() {
            let index = start + offset as u64;
            let proof = client.inclusion_proof(index, 301).await.unwrap();
            verify_inclusion(&leaf_hash(entry), index, 301, &proof, &checkpoint.root()).unwrap();
        }
        start += entries.len() as u64;
    }
}

#[tokio::test]
async fn evidence_verifies_offline() {
    let element = log_of(5).await;
    let key = VerifierKey::parse(&element.client.hello().await.unwrap().log_key).unwrap();
    let evidence = element.client.evidence(3).await.unwrap();
    let verified = Evidence::parse(evidence.as_bytes()).unwrap().verify(Some(&key)).unwrap();
    assert_eq!((verified.index, verified.size, verified.key_pinned), (3, 6, true));
}

#[tokio::test]
async fn tiles_are_of_the_same_tree() {
    let element = log_of(300).await;
    let client = &element.client;
    let tile = client.tile(0, 0, 256).await.unwrap();
    let entries = client.entries(0, 256).await.unwrap();
    let hashes: Vec<u8> = entries.iter().flat_map(|entry| *leaf_hash(entry).as_bytes()).collect();
    assert_eq!(tile[..hashes.len()], hashes);
    // The one full tile is a node of the next level; it heads the consistency proof of a tree that ends with it.
    let above = client.tile(1, 0, 1).await.unwrap();
    let proof = client.consistency_proof(256, 301).await.unwrap();
    let root = Hash::from_slice(&above).unwrap();
    let note = client.checkpoint().await.unwrap();
    let whole = SignedCheckpoint::parse(&note).unwrap().unverified().root();
    verify_consistency(256, 301, &proof, &root, &whole).unwrap();
    assert_eq!(client.tile(0, 1, 45).await.unwrap().len(), 45 * 32);
}

#[tokio::test]
async fn nothing_is_answered_beyond_the_end() {
    let element = log_of(3).await;
    let client = &element.client;
    refused(client.entries(4, 1).await, Code::NotFound);
    refused(client.entries(u64::MAX, u64::MAX).await, Code::NotFound);
    refused(client.inclusion_proof(4, 4).await, Code::NotFound);
    refused(client.inclusion_proof(0, 5).await, Code::NotFound);
    refused(client.consistency_proof(0, 5).await, Code::NotFound);
    refused(client.consistency_proof(3, 2).await, Code::NotFound);
    refused(client.evidence(4).await, Code::NotFound);
    for (level, index, width) in
        [(0, 0, 5), (0, 1, 1), (1, 0, 1), (6, 0, 1), (0, 0, 0), (0, 0, 257), (0, u64::MAX, 1)]
    {
        refused(client.tile(level, index, width).await, Code::NotFound);
    }
    let key = RowKey { kind: Kind::Account, id: AccountId::random().into() };
    assert_eq!(client.current_many(vec![key.clone(); 3]).await.unwrap(), [None, None, None]);
    refused(client.current_many(vec![key; MAX_ROWS + 1]).await, Code::Malformed);
}
