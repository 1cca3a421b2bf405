//! The log, the rows and the nonces.

use crate::house::{Element, House, account, by_passkey, by_platform, current, refused, request};
use sceau_crypto::{SigningKey, Typ};
use sceau_element_api::documents::{Document, DossierPhase, DossierState};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, Code, RecordDraft, Request, Version};
use sceau_element_api::{AccountId, Base64Url, Kind, Nonce, Role};
use sceau_trace::{
    Action, Actor, ActorKind, Record, SignedCheckpoint, VerifierKey, sha256, verify_consistency,
};

#[tokio::test]
async fn it_cannot_append_records_that_others_assert() {
    let element = Element::begin();
    let client = &element.client;
    for kind in [ActorKind::Element, ActorKind::KeyManager] {
        let draft = RecordDraft::new(Actor::new(kind, "element"), Action::KEY_PUBLISH).granted();
        refused(client.append(draft).await, Code::ClaimRefused);
    }
    // The assertion, the time and the attestation are not the caller's to give: the wire has no place for them.
    let draft =
        RecordDraft::new(Actor::new(ActorKind::Citizen, AccountId::random().to_string()), Action::LOGIN);
    let mut json = serde_json::to_value(Request::Append(draft.clone())).unwrap();
    for (field, value) in [("asserted", "organisation"), ("time", "1"), ("attested", "{}")] {
        json["append"][field] = value.into();
        assert!(serde_json::from_value::<Request>(json.clone()).is_err(), "{field}");
        json["append"].as_object_mut().unwrap().remove(field);
    }
    let index = client.append(draft).await.unwrap();
    let record = Record::parse(&client.entries(index, 1).await.unwrap()[0]).unwrap();
    assert_eq!(record.asserted(), sceau_trace::Asserted::Platform);
}

#[tokio::test]
async fn it_cannot_deliver_a_key_managers_record_without_its_key() {
    let house = House::build().await;
    let actor = Actor::new(ActorKind::CaseOfficer, AccountId::random().to_string());
    let record =
        Record::builder(1, actor, sceau_trace::Asserted::Organisation, Action::UNWRAP_OUTCOME).granted();
    let payload = record.organisation(house.organisation.id.to_string()).build().unwrap().to_bytes();
    let sign = |key: &SigningKey, typ| sceau_crypto::jws::sign(key, typ, &payload);
    let client = house.client();
    refused(client.append_signed(sign(&SigningKey::generate(), Typ::Record)).await, Code::KeyUnknown);
    // Not even the root's signature, nor the right key's for another purpose.
    refused(client.append_signed(sign(&house.organisation.root, Typ::Record)).await, Code::KeyUnknown);
    refused(client.append_signed(sign(&house.organisation.sign, Typ::Decision)).await, Code::ProofInvalid);
    client.append_signed(sign(&house.organisation.sign, Typ::Record)).await.unwrap();
}

#[tokio::test]
async fn it_cannot_roll_back_or_fork_a_row() {
    let house = House::build().await;
    let client = house.client();
    let first = current(client, Kind::Scheme, house.scheme.scheme).await.unwrap();
    let mut second = house.scheme.clone();
    second.title.fr = "Aide au vélo, deuxième".to_owned();
    by_passkey(client, &house.organisation_admin, &second, Some(first)).await.unwrap();
    // From the old version, from nothing, from a version that never was.
    for previous in [Some(first), None, Some(Version { version: 9, hash: first.hash })] {
        refused(
            by_passkey(client, &house.organisation_admin, &house.scheme, previous).await,
            Code::StaleVersion,
        );
    }
    let now = current(client, Kind::Scheme, house.scheme.scheme).await.unwrap();
    assert_eq!((now.version, now.hash), (2, sha256(&second.to_bytes().unwrap())));
}

#[tokio::test]
async fn it_cannot_fork_a_row_by_asking_twice_at_once() {
    let house = House::build().await;
    let client = house.client();
    let phase = |phase| DossierState { phase, ..house.dossier.clone() };
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    let asked = (0..32).map(|n| {
        let (client, state) = (client.clone(), DossierState { time: n, ..phase(DossierPhase::Withdrawn) });
        tokio::spawn(async move { by_platform(&client, &state, before).await.is_ok() })
    });
    let mut won = 0;
    for outcome in asked.collect::<Vec<_>>() {
        won += usize::from(outcome.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn it_cannot_replay_a_nonce_or_an_assertion() {
    let house = House::build().await;
    let client = house.client();
    let nonce = client.nonce().await.unwrap();
    let mut scheme = house.scheme.clone();
    let first = current(client, Kind::Scheme, scheme.scheme).await;
    scheme.title.fr = "Deuxième".to_owned();
    let proof = house.organisation_admin.passkey.prove(nonce, Kind::Scheme, &scheme.to_bytes().unwrap());
    client.attest(request(&scheme, first, proof.clone())).await.unwrap();
    // The same proof again, so as to bring the same content back later.
    let second = current(client, Kind::Scheme, scheme.scheme).await;
    refused(client.attest(request(&scheme, second, proof.clone())).await, Code::NonceInvalid);
    // The same assertion for other content, another kind, another nonce.
    scheme.title.fr = "Autre".to_owned();
    refused(client.attest(request(&scheme, second, proof.clone())).await, Code::ProofInvalid);
    let Proof::Passkey { credential_id, authenticator_data, client_data_json, signature, .. } = proof else {
        panic!("a passkey proof")
    };
    let fresh = client.nonce().await.unwrap();
    let renewed =
        Proof::Passkey { credential_id, authenticator_data, client_data_json, signature, nonce: fresh };
    refused(client.attest(request(&scheme, second, renewed)).await, Code::ProofInvalid);
    // A nonce that it made up, honestly signed.
    let own = Nonce([7; 32]);
    let proof = house.organisation_admin.passkey.prove(own, Kind::Scheme, &scheme.to_bytes().unwrap());
    refused(client.attest(request(&scheme, second, proof)).await, Code::NonceInvalid);
}

#[tokio::test]
async fn it_cannot_use_a_nonce_of_before_a_restart() {
    let house = House::build().await;
    let nonce = house.client().nonce().await.unwrap();
    let House { element, organisation_admin, mut scheme, .. } = house;
    let element = element.restart().await;
    let first = current(&element.client, Kind::Scheme, scheme.scheme).await;
    scheme.title.fr = "Deuxième".to_owned();
    let proof = organisation_admin.passkey.prove(nonce, Kind::Scheme, &scheme.to_bytes().unwrap());
    refused(element.client.attest(request(&scheme, first, proof)).await, Code::NonceInvalid);
}

#[tokio::test]
async fn it_cannot_present_one_document_as_another() {
    let house = House::build().await;
    let client = house.client();
    let payload = house.dossier.to_bytes().unwrap();
    let id = house.dossier.row();
    let asked = |kind, id: &sceau_element_api::RowId| Attest {
        kind,
        id: id.clone(),
        previous: None,
        payload: Base64Url(payload.clone()),
        proof: Proof::PlatformAsserted,
    };
    for kind in
        [Kind::Organisation, Kind::Account, Kind::Scheme, Kind::Manifest, Kind::Decision, Kind::Credential]
    {
        refused(client.attest(asked(kind, &id)).await, Code::DocumentMalformed);
    }
    refused(client.attest(asked(Kind::Dossier, &house.scheme.row())).await, Code::RowMismatch);
    refused(client.attest(asked(Kind::Policy, &id)).await, Code::KindNotServed);
}

#[tokio::test]
async fn it_cannot_hide_its_attempts() {
    let house = House::build().await;
    let client = house.client();
    let size = client.hello().await.unwrap().size;
    refused(by_platform(client, &account(Role::PlatformAdmin, None), None).await, Code::AdminExists);
    refused(client.append_signed("a.b.c".to_owned()).await, Code::ProofInvalid);
    let records: Vec<Record> =
        client.entries(size, 9).await.unwrap().iter().map(|entry| Record::parse(entry).unwrap()).collect();
    assert_eq!(records.iter().map(Record::code).collect::<Vec<_>>(), ["admin_exists", "proof_invalid"]);
    assert!(records.iter().all(|record| record.asserted() == sceau_trace::Asserted::Element));
    // A flood of them costs the log little, and is not lost: the counter says how many.
    for _ in 0..300 {
        refused(client.append_signed("a.b.c".to_owned()).await, Code::ProofInvalid);
    }
    let grown = client.hello().await.unwrap().size - size;
    assert!((50..250).contains(&grown), "{grown} entries");
}

#[tokio::test]
async fn it_cannot_have_the_log_forget() {
    let house = House::build().await;
    let client = house.client();
    let key = VerifierKey::parse(&client.hello().await.unwrap().log_key).unwrap();
    let checkpoint = |note: String| SignedCheckpoint::parse(&note).unwrap().verify(&key).unwrap();
    let before = checkpoint(client.checkpoint().await.unwrap());
    house.submit().await;
    let after = checkpoint(client.checkpoint().await.unwrap());
    assert!(after.size() > before.size() && after.map_root() != before.map_root());
    let proof = client.consistency_proof(before.size(), after.size()).await.unwrap();
    verify_consistency(before.size(), after.size(), &proof, &before.root(), &after.root()).unwrap();
}

#[tokio::test]
async fn no_answer_holds_secret_bytes() {
    let house = House::build().await;
    let client = house.client();
    house.submit().await;
    let last = client.hello().await.unwrap().size - 1;
    let key = sceau_element_api::wire::RowKey { kind: Kind::Account, id: house.citizen.account.row() };
    let asked = [
        Request::Hello,
        Request::Nonce,
        Request::Current(key.clone()),
        Request::CurrentMany(vec![key]),
        Request::Checkpoint,
        Request::Entries { start: 0, count: last + 1 },
        Request::Tile { level: 0, index: 0, width: 4 },
        Request::InclusionProof { index: 0, size: last },
        Request::Consistency { from: 1, to: last },
        Request::EvidenceFor { index: last },
    ];
    let seed = house.element.log_seed;
    let needles =
        [seed.to_vec(), hex::encode(seed).into_bytes(), Base64Url(seed.to_vec()).encode().into_bytes()];
    let holds =
        |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).any(|window| window == needle);
    for request in asked {
        let answer = serde_json::to_vec(&client.call(request.clone()).await.unwrap()).unwrap();
        assert!(!needles.iter().any(|needle| holds(&answer, needle)), "{request:?}");
    }
    // The search works: what it looks for, it finds.
    assert!(needles.iter().all(|needle| holds(&needles.concat(), needle)));
}
