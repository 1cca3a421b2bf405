//! Identities of providers: a session's way in, and nobody's proof.

use crate::authenticator::Authenticator;
use crate::house::{House, account, by_passkey, by_platform, credential, current, refused};
use sceau_element_api::documents::{Document, IdentityDocument, IdentityStatus};
use sceau_element_api::wire::Code;
use sceau_element_api::{AccountId, Kind, Role};

fn identity(account: AccountId, subject: &str) -> IdentityDocument {
    let issuer = "https://id.example.org".to_owned();
    let subject = IdentityDocument::hash_of(&issuer, subject);
    IdentityDocument { v: 1, account, issuer, subject, status: IdentityStatus::Active }
}

#[tokio::test]
async fn it_cannot_open_an_account_that_has_a_passkey_to_somebody_elses_identity() {
    let house = House::build().await;
    let client = house.client();
    for person in [&house.citizen, &house.organisation_admin, &house.admin] {
        let document = identity(person.account.account, "stranger");
        refused(by_platform(client, &document, None).await, Code::ProofRequired);
    }
    let document = identity(house.citizen.account.account, "lea");
    refused(by_passkey(client, &house.admin, &document, None).await, Code::NotAuthorised);
    by_passkey(client, &house.citizen, &document, None).await.unwrap();
    // Nor by moving one that is bound to another account, or by starting over once it has ended.
    let row = current(client, Kind::Identity, document.row()).await;
    let moved = IdentityDocument { account: house.admin.account.account, ..document.clone() };
    refused(by_passkey(client, &house.admin, &moved, row).await, Code::FieldFixed);
    refused(by_platform(client, &moved, row).await, Code::FieldFixed);
    let ended = IdentityDocument { status: IdentityStatus::Ended, ..document.clone() };
    refused(by_platform(client, &ended, row).await, Code::ProofRequired);
    refused(by_passkey(client, &house.admin, &ended, row).await, Code::NotAuthorised);
    by_passkey(client, &house.citizen, &ended, row).await.unwrap();
    let row = current(client, Kind::Identity, document.row()).await;
    refused(by_passkey(client, &house.citizen, &ended, row).await, Code::FieldFixed);
    refused(by_platform(client, &document, row).await, Code::ProofRequired);
    refused(by_passkey(client, &house.admin, &document, row).await, Code::NotAuthorised);
    by_passkey(client, &house.citizen, &document, row).await.unwrap();
}

#[tokio::test]
async fn it_cannot_give_staff_a_way_in_before_they_have_a_passkey() {
    let house = House::build().await;
    let client = house.client();
    let invited = account(Role::CaseOfficer, Some(house.organisation.id));
    by_passkey(client, &house.organisation_admin, &invited, None).await.unwrap();
    refused(by_platform(client, &identity(invited.account, "eve"), None).await, Code::ProofRequired);
}

#[tokio::test]
async fn a_citizen_without_a_passkey_enters_by_a_provider_in_the_platforms_word_until_there_is_one() {
    let house = House::build().await;
    let client = house.client();
    let newcomer = account(Role::Citizen, None);
    by_platform(client, &newcomer, None).await.unwrap();
    by_platform(client, &identity(newcomer.account, "noe"), None).await.unwrap();
    by_platform(client, &credential(newcomer.account, &Authenticator::es256()), None).await.unwrap();
    refused(by_platform(client, &identity(newcomer.account, "eve"), None).await, Code::ProofRequired);
    let unknown = identity(AccountId::random(), "nobody");
    refused(by_platform(client, &unknown, None).await, Code::AccountUnknown);
}

#[test]
fn a_subject_is_of_its_issuer_only() {
    let of = IdentityDocument::hash_of;
    assert_ne!(of("https://a.fr", "1"), of("https://b.fr", "1"));
    assert_ne!(of("https://a.fr", "1"), of("https://a.f", "r1"));
    assert_eq!(of("https://a.fr", "1"), of("https://a.fr", "1"));
}
