//! What must work: each kind of row, from the first version on, in the order that a deposit makes them.

use sceau_crypto::{SigningKey, Typ};
use sceau_element_api::documents::{
    AccountDocument, CredentialStatus, Document, DossierPhase, DossierState, KeyStatement,
    OrganisationDocument, Outcome,
};
use sceau_element_api::wire::{Code, RowKey};
use sceau_element_api::{AccountId, Kind, Role};
use sceau_trace::{Asserted, sha256};

use crate::authenticator::Authenticator;
use crate::house::{
    Element, House, account, by_key, by_passkey, by_platform, citizen, credential, current, dossier,
    encryption_statement, platform_admin, refused, shown, signing_statement, staff,
};
use crate::records::signed_record;

#[tokio::test]
async fn a_deposit_is_attested_from_enrolment_to_decision() {
    let house = House::build().await;
    let client = house.client();
    let manifest = house.submit().await;
    let draft = current(client, Kind::Dossier, house.dossier.dossier).await;
    let submitted = DossierState { phase: DossierPhase::Submitted, ..house.dossier.clone() };
    let submitted_row = by_platform(client, &submitted, draft).await.unwrap();
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    let decided = by_key(client, &house.organisation.sign, Typ::Decision, &decision, None).await.unwrap();
    let accepted = DossierState { phase: DossierPhase::Accepted, ..house.dossier.clone() };
    by_platform(client, &accepted, Some(submitted_row.version())).await.unwrap();

    let record = shown(client, decided.index).await;
    assert_eq!(record.asserted(), Asserted::Organisation);
    assert_eq!(record.actor().id, decision.decided_by.to_string());
    let attested = record.attested().unwrap();
    assert_eq!((attested.version, attested.hash), (1, sha256(&decision.to_bytes().unwrap())));
    let record = shown(client, manifest.index).await;
    assert_eq!((record.asserted(), record.action().as_str()), (Asserted::Passkey, "deposit.complete"));
}

#[tokio::test]
async fn a_manifest_without_a_passkey_is_marked_as_the_platforms_word() {
    let house = House::build().await;
    let client = house.client();
    let account = account(Role::Citizen, None);
    by_platform(client, &account, None).await.unwrap();
    let depositor = crate::house::Person { account, passkey: Authenticator::eddsa() };
    let dossier = dossier(&depositor, &house.scheme);
    by_platform(client, &dossier, None).await.unwrap();
    let mut manifest = house.manifest();
    manifest.dossier = dossier.dossier;
    let row = by_platform(client, &manifest, None).await.unwrap();
    let record = shown(client, row.index).await;
    assert_eq!(record.asserted(), Asserted::Platform);
}

#[tokio::test]
async fn phases_wait_for_what_founds_them() {
    let house = House::build().await;
    let client = house.client();
    let before = current(client, Kind::Dossier, house.dossier.dossier).await;
    for phase in [
        DossierPhase::Submitted,
        DossierPhase::Accepted,
        DossierPhase::Refused,
        DossierPhase::MoreInformation,
    ] {
        let state = DossierState { phase, ..house.dossier.clone() };
        refused(by_platform(client, &state, before).await, Code::HashMismatch);
    }
    let manifest = house.submit().await;
    let refusal = house.decision(manifest.hash, Outcome::Refused, 10);
    by_key(client, &house.organisation.sign, Typ::Decision, &refusal, None).await.unwrap();
    let accepted = DossierState { phase: DossierPhase::Accepted, ..house.dossier.clone() };
    refused(by_platform(client, &accepted, before).await, Code::HashMismatch);
}

#[tokio::test]
async fn keys_rotate_and_a_draft_keeps_the_key_that_it_was_given() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let next = encryption_statement(organisation.id, &organisation.root, Some(&organisation.encrypt));
    let before = current(client, Kind::KeyStatement, organisation.encrypt.row()).await;
    let row = by_key(client, &organisation.root, Typ::KeyStatement, &next, before).await.unwrap();
    assert_eq!(row.version, next.serial);
    // The house's manifest names the first key.
    house.submit().await;
}

#[tokio::test]
async fn a_key_that_is_withdrawn_ends_at_once() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let withdraw = |mut statement: KeyStatement| {
        statement.withdraws_predecessor = true;
        statement
    };
    let next =
        withdraw(encryption_statement(organisation.id, &organisation.root, Some(&organisation.encrypt)));
    let before = current(client, Kind::KeyStatement, organisation.encrypt.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &next, before).await.unwrap();
    // The house's dossier was begun before, and its manifest names the first key.
    let late = by_passkey(client, &house.citizen, &house.manifest(), None).await;
    refused(late, Code::KeyUnknown);
    let mut anew = house.manifest();
    anew.key_id = next.key_id;
    by_passkey(client, &house.citizen, &anew, None).await.unwrap();
    // Nor does a signature on its way count.
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let sign = SigningKey::generate();
    let stated = withdraw(signing_statement(organisation.id, &organisation.root, &sign, Some(&first)));
    let row = current(client, Kind::KeyStatement, stated.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &stated, row).await.unwrap();
    refused(
        client.append_signed(signed_record(organisation, &organisation.sign, "old").1).await,
        Code::KeyUnknown,
    );
    client.append_signed(signed_record(organisation, &sign, "new").1).await.unwrap();
    // The first of a use has none to withdraw.
    let other = withdraw(encryption_statement(organisation.id, &organisation.root, None));
    assert!(other.to_bytes().is_err());
}

#[tokio::test]
async fn a_new_root_takes_over_and_the_old_one_ends() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let new_root = SigningKey::generate();
    let before = current(client, Kind::Organisation, organisation.id).await;
    let document = OrganisationDocument {
        v: 1,
        organisation: organisation.id,
        name: "Métropole de Test".to_owned(),
        root_fingerprint: new_root.verifying_key().fingerprint(),
    };
    by_passkey(client, &house.admin, &document, before).await.unwrap();
    let row = current(client, Kind::KeyStatement, organisation.encrypt.row()).await;
    let by_old = encryption_statement(organisation.id, &organisation.root, Some(&organisation.encrypt));
    refused(by_key(client, &organisation.root, Typ::KeyStatement, &by_old, row).await, Code::ProofInvalid);
    let by_new = encryption_statement(organisation.id, &new_root, Some(&organisation.encrypt));
    by_key(client, &new_root, Typ::KeyStatement, &by_new, row).await.unwrap();
}

#[tokio::test]
async fn what_the_old_root_stated_ends_with_it() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let manifest = house.submit().await;
    let draft = dossier(&house.citizen, &house.scheme);
    by_platform(client, &draft, None).await.unwrap();
    let new_root = SigningKey::generate();
    let before = current(client, Kind::Organisation, organisation.id).await;
    let document = OrganisationDocument {
        v: 1,
        organisation: organisation.id,
        name: "Métropole de Test".to_owned(),
        root_fingerprint: new_root.verifying_key().fingerprint(),
    };
    by_passkey(client, &house.admin, &document, before).await.unwrap();
    // The recipient key, for a dossier begun before too; the signing key, for decisions and records.
    let mut late = house.manifest();
    late.dossier = draft.dossier;
    refused(by_passkey(client, &house.citizen, &late, None).await, Code::KeyUnknown);
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    let decided = by_key(client, &organisation.sign, Typ::Decision, &decision, None).await;
    refused(decided, Code::KeyUnknown);
    let (_, by_old) = signed_record(organisation, &organisation.sign, "old");
    refused(client.append_signed(by_old).await, Code::KeyUnknown);
    // The new root goes on where the old one ended.
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let sign = SigningKey::generate();
    let stated = signing_statement(organisation.id, &new_root, &sign, Some(&first));
    let row = current(client, Kind::KeyStatement, stated.row()).await;
    by_key(client, &new_root, Typ::KeyStatement, &stated, row).await.unwrap();
    by_key(client, &sign, Typ::Decision, &decision, None).await.unwrap();
    client.append_signed(signed_record(organisation, &sign, "new").1).await.unwrap();
}

#[tokio::test]
async fn an_expired_key_is_not_published_and_does_not_decide() {
    let house = House::build().await;
    let (client, organisation) = (house.client(), &house.organisation);
    let mut expired = encryption_statement(organisation.id, &organisation.root, Some(&organisation.encrypt));
    expired.not_after = 1000;
    let row = current(client, Kind::KeyStatement, organisation.encrypt.row()).await;
    let outcome = by_key(client, &organisation.root, Typ::KeyStatement, &expired, row).await;
    refused(outcome, Code::DocumentMalformed);
    // A signing key that is not valid yet.
    let first = signing_statement(organisation.id, &organisation.root, &organisation.sign, None);
    let later = SigningKey::generate();
    let mut future = signing_statement(organisation.id, &organisation.root, &later, Some(&first));
    future.not_before = crate::house::LATER - 1;
    let row = current(client, Kind::KeyStatement, first.row()).await;
    by_key(client, &organisation.root, Typ::KeyStatement, &future, row).await.unwrap();
    let manifest = house.submit().await;
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    refused(by_key(client, &later, Typ::Decision, &decision, None).await, Code::ProofInvalid);
}

#[tokio::test]
async fn a_lost_authenticator_is_replaced_by_a_new_invitation() {
    let house = House::build().await;
    let client = house.client();
    let officer = staff(client, &house.organisation_admin, Role::CaseOfficer, house.organisation.id).await;
    let id = officer.account.account;
    let replacement = Authenticator::eddsa();
    refused(by_platform(client, &credential(id, &replacement), None).await, Code::ProofRequired);
    let invited = AccountDocument { invitation_hash: Some(sha256(b"invitation")), ..officer.account.clone() };
    let before = current(client, Kind::Account, id).await;
    by_passkey(client, &house.organisation_admin, &invited, before).await.unwrap();
    by_platform(client, &credential(id, &replacement), None).await.unwrap();
    // Once.
    refused(by_platform(client, &credential(id, &Authenticator::eddsa()), None).await, Code::ProofRequired);
}

#[tokio::test]
async fn a_person_adds_and_revokes_passkeys() {
    let element = Element::begin();
    let client = &element.client;
    let person = citizen(client).await;
    let second = Authenticator::eddsa();
    let document = credential(person.account.account, &second);
    let row = by_passkey(client, &person, &document, None).await.unwrap();
    let mut revoked = document.clone();
    revoked.status = CredentialStatus::Revoked;
    by_passkey(client, &person, &revoked, Some(row.version())).await.unwrap();
    let row = current(client, Kind::Credential, document.row()).await;
    refused(by_passkey(client, &person, &document, row).await, Code::FieldFixed);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let element = Element::begin();
    let client = &element.client;
    let passkey = Authenticator::es256();
    refused(
        by_platform(client, &credential(AccountId::random(), &passkey), None).await,
        Code::AccountUnknown,
    );
    let admin = platform_admin(client).await;
    let orphan = account(Role::Supervisor, Some(sceau_element_api::OrganisationId::random()));
    refused(by_passkey(client, &admin, &orphan, None).await, Code::OrganisationUnknown);
    let root = SigningKey::generate();
    let statement = encryption_statement(sceau_element_api::OrganisationId::random(), &root, None);
    refused(by_key(client, &root, Typ::KeyStatement, &statement, None).await, Code::OrganisationUnknown);
    let stranger = crate::house::Person { account: account(Role::PlatformAdmin, None), passkey };
    refused(by_passkey(client, &stranger, &stranger.account, None).await, Code::CredentialUnknown);
}

#[tokio::test]
async fn state_and_rows_are_there_after_a_restart() {
    let house = House::build().await;
    let manifest = house.submit().await;
    let decision = house.decision(manifest.hash, Outcome::Accepted, 10);
    let House { element, organisation, organisation_admin, dossier, .. } = house;
    let keys: Vec<RowKey> = [
        (Kind::Organisation, organisation.id.into()),
        (Kind::Manifest, dossier.row()),
        (Kind::Dossier, dossier.row()),
        (Kind::Account, organisation_admin.account.row()),
        (Kind::Decision, dossier.row()),
    ]
    .map(|(kind, id)| RowKey { kind, id })
    .to_vec();
    let before = element.client.current_many(keys.clone()).await.unwrap();
    assert!(before[..4].iter().all(Option::is_some) && before[4].is_none());
    let element = element.restart().await;
    assert_eq!(element.client.current_many(keys).await.unwrap(), before);
    by_key(&element.client, &organisation.sign, Typ::Decision, &decision, None).await.unwrap();
}
