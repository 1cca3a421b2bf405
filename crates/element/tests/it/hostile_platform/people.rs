//! Accounts and passkeys.

use crate::authenticator::{Authenticator, UP};
use crate::house::{
    Element, House, account, by_passkey, by_platform, citizen, credential, current, organisation,
    platform_admin, refused, staff,
};
use sceau_element_api::documents::{AccountDocument, AccountStatus, CredentialStatus, Document};
use sceau_element_api::wire::Code;
use sceau_element_api::{Kind, Role};
use sceau_trace::sha256;

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
