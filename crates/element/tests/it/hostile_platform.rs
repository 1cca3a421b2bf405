//! A platform that turned against its users: it speaks the RPC with all that the platform has (every row, every proof that
//! ever passed, any number of calls), and holds no actor's key. Each test is one thing that it must not obtain.

use sceau_crypto::{SigningKey, Typ};
use sceau_element_api::documents::{
    AccountDocument, AccountStatus, CredentialStatus, Document, DossierPhase, DossierState,
    OrganisationDocument, Outcome,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, Code, RecordDraft, Request, Version};
use sceau_element_api::{AccountId, Base64Url, Kind, Nonce, Role};
use sceau_trace::{
    Action, Actor, ActorKind, Record, SignedCheckpoint, VerifierKey, sha256, verify_consistency,
};

use crate::authenticator::{Authenticator, UP};
use crate::house::{
    Element, House, account, by_key, by_passkey, by_platform, citizen, credential, current,
    encryption_statement, organisation, organisation_document, platform_admin, refused, request,
    signing_statement, staff,
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
async fn it_cannot_attest_a_key_statement_that_the_enrolled_root_did_not_sign() {
    let house = House::build().await;
    let (client, id) = (house.client(), house.organisation.id);
    let before = current(client, Kind::KeyStatement, house.organisation.encrypt.row()).await;
    let own_root = SigningKey::generate();
    // Signed by a root of its own, which the statement names; then one that names the enrolled root.
    let swapped = encryption_statement(id, &own_root, Some(&house.organisation.encrypt));
    refused(by_key(client, &own_root, Typ::KeyStatement, &swapped, before).await, Code::ProofInvalid);
    let posing = encryption_statement(id, &house.organisation.root, Some(&house.organisation.encrypt));
    refused(by_key(client, &own_root, Typ::KeyStatement, &posing, before).await, Code::ProofInvalid);
    refused(by_platform(client, &posing, before).await, Code::ProofRequired);
    // A genuine signature over another key than the payload's.
    let genuine = encryption_statement(id, &house.organisation.root, Some(&house.organisation.encrypt));
    let jws =
        sceau_crypto::jws::sign(&house.organisation.root, Typ::KeyStatement, &genuine.to_bytes().unwrap());
    refused(client.attest(request(&posing, before, Proof::Jws { jws })).await, Code::ProofInvalid);
    assert_eq!(current(client, Kind::KeyStatement, house.organisation.encrypt.row()).await, before);
}

#[tokio::test]
async fn it_cannot_enrol_another_root_for_an_organisation_without_the_administrators_passkey() {
    let house = House::build().await;
    let (client, own_root) = (house.client(), SigningKey::generate());
    let id = house.organisation.id;
    let before = current(client, Kind::Organisation, id).await;
    let document = OrganisationDocument { organisation: id, ..organisation_document(&own_root) };
    refused(by_platform(client, &document, before).await, Code::ProofRequired);
    refused(by_passkey(client, &house.organisation_admin, &document, before).await, Code::NotAuthorised);
    refused(by_passkey(client, &house.citizen, &document, before).await, Code::NotAuthorised);
    refused(by_platform(client, &organisation_document(&own_root), None).await, Code::ProofRequired);
    let updated = by_passkey(client, &house.admin, &document, before).await.unwrap();
    assert_eq!(updated.version, 2);
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
async fn it_cannot_enrol_a_second_passkey_for_an_account_without_the_first() {
    let house = House::build().await;
    let client = house.client();
    let planted = Authenticator::es256();
    for person in [&house.citizen, &house.organisation_admin, &house.admin] {
        let document = credential(person.account.account, &planted);
        refused(by_platform(client, &document, None).await, Code::ProofRequired);
    }
    // Nor with someone else's passkey, be he an administrator.
    let document = credential(house.citizen.account.account, &planted);
    refused(by_passkey(client, &house.admin, &document, None).await, Code::NotAuthorised);
    by_passkey(client, &house.citizen, &document, None).await.unwrap();
    // Nor by moving a passkey that is enrolled to another account.
    let moved = credential(house.organisation_admin.account.account, &house.citizen.passkey);
    let row = current(client, Kind::Credential, moved.row()).await;
    refused(by_passkey(client, &house.citizen, &moved, row).await, Code::FieldFixed);
}

#[tokio::test]
async fn it_cannot_reopen_the_first_enrolment_of_a_citizen() {
    let house = House::build().await;
    let client = house.client();
    let id = house.citizen.account.account;
    let before = current(client, Kind::Account, id).await;
    let again = AccountDocument { invitation_hash: Some(sha256(b"mine")), ..house.citizen.account.clone() };
    by_platform(client, &again, before).await.unwrap();
    refused(by_platform(client, &credential(id, &Authenticator::es256()), None).await, Code::ProofRequired);
    // Nor after revoking the passkey: it cannot do that either.
    let mut revoked = credential(id, &house.citizen.passkey);
    revoked.status = CredentialStatus::Revoked;
    let row = current(client, Kind::Credential, revoked.row()).await;
    refused(by_platform(client, &revoked, row).await, Code::ProofRequired);
}

#[tokio::test]
async fn it_cannot_make_itself_platform_administrator_once_there_is_one() {
    let element = Element::begin();
    let client = &element.client;
    let admin = platform_admin(client).await;
    refused(by_platform(client, &account(Role::PlatformAdmin, None), None).await, Code::AdminExists);
    // Not by promoting an account of its own, nor by suspending the administrator and starting over.
    let own = citizen(client).await;
    let promoted = AccountDocument { role: Role::PlatformAdmin, ..own.account.clone() };
    let before = current(client, Kind::Account, own.account.account).await;
    refused(by_platform(client, &promoted, before).await, Code::FieldFixed);
    let suspended = AccountDocument { status: AccountStatus::Suspended, ..admin.account.clone() };
    let before = current(client, Kind::Account, admin.account.account).await;
    refused(by_platform(client, &suspended, before).await, Code::AdminExists);
    // Nor after a restart.
    let element = element.restart().await;
    refused(by_platform(&element.client, &account(Role::PlatformAdmin, None), None).await, Code::AdminExists);
}

#[tokio::test]
async fn it_cannot_make_staff_without_an_administrator() {
    let house = House::build().await;
    let client = house.client();
    let own = account(Role::CaseOfficer, Some(house.organisation.id));
    refused(by_platform(client, &own, None).await, Code::ProofRequired);
    refused(by_passkey(client, &house.citizen, &own, None).await, Code::NotAuthorised);
    // An organisation's administrator reigns in his own organisation only.
    let other = organisation(client, &house.admin).await;
    let foreign = account(Role::CaseOfficer, Some(other.id));
    refused(by_passkey(client, &house.organisation_admin, &foreign, None).await, Code::NotAuthorised);
    let above = account(Role::PlatformAdmin, None);
    refused(by_passkey(client, &house.organisation_admin, &above, None).await, Code::NotAuthorised);
    by_passkey(client, &house.organisation_admin, &own, None).await.unwrap();
}

#[tokio::test]
async fn it_cannot_submit_a_decision_without_the_organisations_key() {
    let house = House::build().await;
    let client = house.client();
    let manifest = house.submit().await;
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    refused(by_platform(client, &decision, None).await, Code::ProofRequired);
    refused(by_passkey(client, &house.organisation_admin, &decision, None).await, Code::ProofRequired);
    let own = SigningKey::generate();
    refused(by_key(client, &own, Typ::Decision, &decision, None).await, Code::ProofInvalid);
    refused(
        by_key(client, &house.organisation.root, Typ::Decision, &decision, None).await,
        Code::ProofInvalid,
    );
    // Another organisation's key does not decide on this dossier.
    let other = organisation(client, &house.admin).await;
    let mut foreign = decision.clone();
    foreign.organisation = other.id;
    refused(by_key(client, &other.sign, Typ::Decision, &foreign, None).await, Code::NotAuthorised);
    // And the platform cannot say that a decision was made.
    let accepted = DossierState { phase: DossierPhase::Accepted, ..house.dossier.clone() };
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    refused(by_platform(client, &accepted, before).await, Code::HashMismatch);
    by_key(client, &house.organisation.sign, Typ::Decision, &decision, None).await.unwrap();
    by_platform(client, &accepted, before).await.unwrap();
}

#[tokio::test]
async fn it_cannot_attach_a_decision_to_another_manifest() {
    let house = House::build().await;
    let (client, sign) = (house.client(), &house.organisation.sign);
    let early = house.decision(sha256(b"no manifest yet"), Outcome::Accepted, 10);
    refused(by_key(client, sign, Typ::Decision, &early, None).await, Code::HashMismatch);
    let sent = house.submit().await.version();
    refused(by_key(client, sign, Typ::Decision, &early, None).await, Code::HashMismatch);
    // What was decided on the first manifest says nothing of the second.
    let asks = house.decision(sent.hash, Outcome::MoreInformation, 10);
    let asked = by_key(client, sign, Typ::Decision, &asks, None).await.unwrap().version();
    let accepts = house.decision(sent.hash, Outcome::Accepted, 20);
    let mut second = house.manifest();
    second.created = 2;
    by_passkey(client, &house.citizen, &second, Some(sent)).await.unwrap();
    refused(by_key(client, sign, Typ::Decision, &accepts, Some(asked)).await, Code::HashMismatch);
}

#[tokio::test]
async fn it_cannot_bring_back_a_decision_that_was_replaced() {
    let house = House::build().await;
    let client = house.client();
    let manifest = house.submit().await;
    let accepted = house.decision(manifest.hash, Outcome::Accepted, 10);
    let refusal = house.decision(manifest.hash, Outcome::Refused, 20);
    let sign = &house.organisation.sign;
    let first = by_key(client, sign, Typ::Decision, &accepted, None).await.unwrap().version();
    let second = by_key(client, sign, Typ::Decision, &refusal, Some(first)).await.unwrap().version();
    refused(by_key(client, sign, Typ::Decision, &accepted, Some(second)).await, Code::StaleVersion);
}

#[tokio::test]
async fn it_cannot_decide_with_a_key_that_was_replaced() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let manifest = house.submit().await;
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let next = signing_statement(organisation.id, &organisation.root, &SigningKey::generate(), Some(&first));
    let before = current(client, Kind::KeyStatement, first.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &next, before).await.unwrap();
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    refused(by_key(client, &organisation.sign, Typ::Decision, &decision, None).await, Code::ProofInvalid);
}

#[tokio::test]
async fn it_cannot_reorder_or_roll_back_key_statements() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let (id, root) = (organisation.id, &organisation.root);
    let row = organisation.encrypt.row();
    let second = encryption_statement(id, root, Some(&organisation.encrypt));
    let third = encryption_statement(id, root, Some(&second));
    let first = current(client, Kind::KeyStatement, row.clone()).await;
    refused(by_key(client, root, Typ::KeyStatement, &third, first).await, Code::SerialMismatch);
    by_key(client, root, Typ::KeyStatement, &second, first).await.unwrap();
    let now = current(client, Kind::KeyStatement, row.clone()).await;
    for old in [&organisation.encrypt, &second] {
        refused(by_key(client, root, Typ::KeyStatement, old, now).await, Code::SerialMismatch);
    }
    // A statement of the right serial for an old key, well signed: keys do not come back.
    let mut revived = encryption_statement(id, root, Some(&second));
    revived.key_id = organisation.encrypt.key_id;
    revived.public_key = organisation.encrypt.public_key.clone();
    refused(by_key(client, root, Typ::KeyStatement, &revived, now).await, Code::KeyUnknown);
    by_key(client, root, Typ::KeyStatement, &third, now).await.unwrap();
}

#[tokio::test]
async fn it_cannot_swap_the_recipients_key_of_a_manifest() {
    let house = House::build().await;
    let client = house.client();
    let mut manifest = house.manifest();
    manifest.key_id = encryption_statement(house.organisation.id, &SigningKey::generate(), None).key_id;
    // Even where the depositor was made to sign it.
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::KeyUnknown);
    // Nor with the key of another organisation, nor a form that was never published.
    let other = organisation(client, &house.admin).await;
    manifest.key_id = other.encrypt.key_id;
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::KeyUnknown);
    manifest = house.manifest();
    manifest.form_hash = sha256(b"another form");
    refused(by_passkey(client, &house.citizen, &manifest, None).await, Code::HashMismatch);
}

#[tokio::test]
async fn it_cannot_write_or_replace_the_manifest_of_someone_with_a_passkey() {
    let house = House::build().await;
    let client = house.client();
    refused(by_platform(client, &house.manifest(), None).await, Code::ProofRequired);
    refused(
        by_passkey(client, &house.organisation_admin, &house.manifest(), None).await,
        Code::NotAuthorised,
    );
    let sent = house.submit().await.version();
    let mut altered = house.manifest();
    altered.created = 2;
    refused(by_platform(client, &altered, Some(sent)).await, Code::FieldFixed);
    refused(by_passkey(client, &house.citizen, &altered, Some(sent)).await, Code::FieldFixed);
    // Unless the organisation asked for more.
    let asks = house.decision(sent.hash, Outcome::MoreInformation, 10);
    by_key(client, &house.organisation.sign, Typ::Decision, &asks, None).await.unwrap();
    by_passkey(client, &house.citizen, &altered, Some(sent)).await.unwrap();
}

#[tokio::test]
async fn it_cannot_change_whose_dossier_it_is() {
    let house = House::build().await;
    let client = house.client();
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    let own = citizen(client).await;
    let stolen = DossierState { depositor: own.account.account, ..house.dossier.clone() };
    refused(by_platform(client, &stolen, before).await, Code::FieldFixed);
    let other = organisation(client, &house.admin).await;
    let diverted = DossierState { organisation: other.id, ..house.dossier.clone() };
    refused(by_platform(client, &diverted, before).await, Code::SchemeUnknown);
}

#[tokio::test]
async fn it_cannot_use_a_passkey_without_its_user() {
    let mut house = House::build().await;
    house.organisation_admin.passkey.flags = UP;
    let first = current(house.client(), Kind::Scheme, house.scheme.scheme).await;
    let mut scheme = house.scheme.clone();
    scheme.title.en = "Second".to_owned();
    // Staff must be verified by the authenticator; citizens must be present.
    let outcome = by_passkey(house.client(), &house.organisation_admin, &scheme, first).await;
    refused(outcome, Code::ProofInvalid);
    house.citizen.passkey.flags = UP;
    by_passkey(house.client(), &house.citizen, &house.manifest(), None).await.unwrap();
}

#[tokio::test]
async fn it_cannot_use_the_passkey_of_someone_who_was_suspended_or_revoked() {
    let house = House::build().await;
    let client = house.client();
    let colleague = staff(client, &house.admin, Role::OrganisationAdmin, house.organisation.id).await;
    let suspended = AccountDocument { status: AccountStatus::Suspended, ..colleague.account.clone() };
    let before = current(client, Kind::Account, colleague.account.account).await;
    by_passkey(client, &house.organisation_admin, &suspended, before).await.unwrap();
    let mut scheme = house.scheme.clone();
    scheme.title.fr = "Deuxième".to_owned();
    let first = current(client, Kind::Scheme, scheme.scheme).await;
    refused(by_passkey(client, &colleague, &scheme, first).await, Code::CredentialUnknown);

    let mut revoked = credential(house.organisation_admin.account.account, &house.organisation_admin.passkey);
    revoked.status = CredentialStatus::Revoked;
    let row = current(client, Kind::Credential, revoked.row()).await;
    by_passkey(client, &house.organisation_admin, &revoked, row).await.unwrap();
    refused(by_passkey(client, &house.organisation_admin, &scheme, first).await, Code::CredentialUnknown);
    // Nor can the revoked passkey be enrolled anew.
    let again = credential(house.organisation_admin.account.account, &house.organisation_admin.passkey);
    let row = current(client, Kind::Credential, again.row()).await;
    refused(by_platform(client, &again, row).await, Code::FieldFixed);
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
    for kind in [Kind::Grant, Kind::Policy] {
        refused(client.attest(asked(kind, &id)).await, Code::KindNotServed);
    }
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
