//! People, organisations and keys, and how they are enrolled.

use sceau_crypto::{SigningKey, Typ, XWingPrivateKey};
use sceau_element_api::documents::{
    AccountDocument, AccountStatus, CredentialDocument, CredentialStatus, DossierPhase, DossierState, Intake,
    KeyStatement, KeySuite, KeyUse, OrganisationDocument, SchemeDocument, Text,
};
use sceau_element_api::{AccountId, Base64Url, Client, DossierId, OrganisationId, Role, SchemeId};

use super::{LATER, by_key, by_passkey, by_platform};
use crate::authenticator::Authenticator;

/// A person with a passkey.
pub(crate) struct Person {
    pub(crate) account: AccountDocument,
    pub(crate) passkey: Authenticator,
}

/// An organisation with its root and keys.
pub(crate) struct Organisation {
    pub(crate) id: OrganisationId,
    pub(crate) root: SigningKey,
    pub(crate) sign: SigningKey,
    pub(crate) encrypt: KeyStatement,
}

pub(crate) fn account(role: Role, organisation: Option<OrganisationId>) -> AccountDocument {
    let account = AccountId::random();
    AccountDocument {
        v: 1,
        account,
        role,
        organisation,
        invitation_hash: None,
        applications: None,
        status: AccountStatus::Active,
    }
}

pub(crate) fn credential(account: AccountId, passkey: &Authenticator) -> CredentialDocument {
    CredentialDocument {
        v: 1,
        account,
        credential_id: Base64Url(passkey.credential_id.clone()),
        cose_key: Base64Url(passkey.cose_key()),
        rp_id: passkey.rp_id.clone(),
        origin: passkey.origin.clone(),
        status: CredentialStatus::Active,
    }
}

/// Enrols the first passkey of an account.
async fn first_passkey(client: &Client, account: AccountDocument) -> Person {
    let passkey = Authenticator::es256();
    by_platform(client, &credential(account.account, &passkey), None).await.unwrap();
    Person { account, passkey }
}

pub(crate) async fn platform_admin(client: &Client) -> Person {
    let account = account(Role::PlatformAdmin, None);
    by_platform(client, &account, None).await.unwrap();
    first_passkey(client, account).await
}

pub(crate) async fn citizen(client: &Client) -> Person {
    let account = account(Role::Citizen, None);
    by_platform(client, &account, None).await.unwrap();
    first_passkey(client, account).await
}

pub(crate) async fn staff(client: &Client, by: &Person, role: Role, organisation: OrganisationId) -> Person {
    let account = account(role, Some(organisation));
    by_passkey(client, by, &account, None).await.unwrap();
    first_passkey(client, account).await
}

pub(crate) fn organisation_document(root: &SigningKey) -> OrganisationDocument {
    OrganisationDocument {
        v: 1,
        organisation: OrganisationId::random(),
        name: "Métropole de Test".to_owned(),
        root_fingerprint: root.verifying_key().fingerprint(),
    }
}

pub(crate) async fn organisation(client: &Client, admin: &Person) -> Organisation {
    let root = SigningKey::generate();
    let document = organisation_document(&root);
    by_passkey(client, admin, &document, None).await.unwrap();
    let id = document.organisation;
    let sign = SigningKey::generate();
    let encrypt = encryption_statement(id, &root, None);
    for statement in [encrypt.clone(), signing_statement(id, &root, &sign, None)] {
        by_key(client, &root, Typ::KeyStatement, &statement, None).await.unwrap();
    }
    Organisation { id, root, sign, encrypt }
}

pub(crate) fn encryption_statement(
    organisation: OrganisationId,
    root: &SigningKey,
    before: Option<&KeyStatement>,
) -> KeyStatement {
    let private = XWingPrivateKey::generate().unwrap();
    let public = private.recipient_key();
    KeyStatement {
        v: 1,
        organisation,
        key_use: KeyUse::Encrypt,
        suite: KeySuite::XWing,
        key_id: public.key_id(),
        public_key: Base64Url(public.public().to_vec()),
        not_before: 0,
        not_after: LATER,
        predecessor: before.map(|before| before.key_id),
        serial: before.map_or(1, |before| before.serial + 1),
        key_manager: "https://cles.localhost:8443".to_owned(),
        root_key: Base64Url(root.verifying_key().as_bytes().to_vec()),
        withdraws_predecessor: false,
    }
}

pub(crate) fn signing_statement(
    organisation: OrganisationId,
    root: &SigningKey,
    key: &SigningKey,
    before: Option<&KeyStatement>,
) -> KeyStatement {
    let public = key.verifying_key();
    KeyStatement {
        key_use: KeyUse::Sign,
        suite: KeySuite::Ed25519,
        key_id: sceau_crypto::KeyId::from_bytes(*public.fingerprint().as_bytes()),
        public_key: Base64Url(public.as_bytes().to_vec()),
        ..encryption_statement(organisation, root, before)
    }
}

pub(crate) fn scheme(organisation: OrganisationId) -> SchemeDocument {
    let text = |fr: &str, en: &str| Text { fr: fr.to_owned(), en: en.to_owned() };
    SchemeDocument {
        v: 1,
        scheme: SchemeId::random(),
        organisation,
        title: text("Aide au vélo", "Bicycle grant"),
        description: text("Une aide.", "A grant."),
        form: vec![],
        documents: vec![],
        intake: Intake::Sealed,
        intake_host: None,
    }
}

pub(crate) fn dossier(citizen: &Person, scheme: &SchemeDocument) -> DossierState {
    DossierState {
        v: 1,
        dossier: DossierId::random(),
        organisation: scheme.organisation,
        scheme: scheme.scheme,
        depositor: citizen.account.account,
        phase: DossierPhase::Draft,
        time: 1,
    }
}
