//! The rules: may this authority make this document the next version of its row? One file for each kind. Pure.

mod account;
pub(crate) mod act;
mod application;
mod approver;
pub(crate) mod call;
pub(crate) mod content;
mod credential;
mod decision;
mod dossier;
mod funder_key;
mod identity;
mod key_statement;
pub(crate) mod keyring;
mod manifest;
mod organisation;
mod record;
mod scheme;

pub use approver::APPROVER_AGE;
pub(crate) use content::SignedContent;
pub(crate) use record::draft_record;
pub use record::{RecordSigner, SignedRecord, read_signed};

use sceau_element_api::documents::AccountStatus;
use sceau_element_api::wire::{Code, Refusal, RowKey, Version};
use sceau_element_api::{AccountId, Kind, OrganisationId, Role};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, RecordBuilder, sha256};

use crate::claim::{Claim, ProvenClaim};
use crate::document::AnyDocument;
use crate::event::{Change, Event};
use crate::state::{Account, Authority, State};

/// Of a name that is new, and not what it seems.
const HIDDEN: &str =
    "a name has no characters that are unseen or turn the reading direction, and is in Unicode form NFC";

/// What a rule says of the record: the actor and further facts.
struct Verdict {
    actor: Actor,
    organisation: Option<OrganisationId>,
    subjects: Vec<(&'static str, String)>,
    details: Vec<(&'static str, String)>,
}

impl Verdict {
    fn by(actor: Actor) -> Self {
        Self { actor, organisation: None, subjects: Vec::new(), details: Vec::new() }
    }

    fn organisation(mut self, id: OrganisationId) -> Self {
        self.organisation = Some(id);
        self
    }

    fn subject(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.subjects.push((kind, id.to_string()));
        self
    }

    fn detail(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, value.to_string()));
        self
    }
}

/// Judges a proven claim at `now` (Unix milliseconds) and returns the event that makes it so.
///
/// # Errors
/// The refusal, when a rule is against it.
pub(crate) fn attest(state: &State, now: u64, proven: ProvenClaim) -> Result<Event, Refusal> {
    let ProvenClaim { claim, authority } = proven;
    still_holds(state, &authority)?;
    let current = state.row(&RowKey { kind: claim.kind, id: claim.id.clone() }).map(|row| row.version());
    if current != claim.previous {
        return Err(Refusal::new(Code::StaleVersion, describe(current)));
    }
    let verdict = match &claim.document {
        AnyDocument::Organisation(document) => organisation::judge(state, &authority, document),
        AnyDocument::KeyStatement(document) => key_statement::judge(state, now, &authority, document),
        AnyDocument::Account(document) => account::judge(state, &authority, document),
        AnyDocument::Credential(document) => credential::judge(state, &authority, document),
        AnyDocument::Identity(document) => identity::judge(state, &authority, document),
        AnyDocument::Scheme(document) => scheme::judge(state, &authority, document),
        AnyDocument::Dossier(document) => dossier::judge(state, &authority, document),
        AnyDocument::Manifest(document) => manifest::judge(state, &authority, document),
        AnyDocument::Decision(document) => decision::judge(state, now, &authority, document),
        AnyDocument::FunderKey(document) => funder_key::judge(state, &authority, document),
        AnyDocument::Application(document) => application::judge(state, &authority, document),
        AnyDocument::Datum(_) => {
            Err(Refusal::new(Code::ProofRequired, "a datum begins and changes by a call of its application"))
        }
        AnyDocument::KeyringPolicy(document) => {
            keyring::policy::judge(state, now, &authority, current, document)
        }
        AnyDocument::KeyringAccess(document) => {
            keyring::access::judge(state, now, &authority, current, document)
        }
        AnyDocument::KeyringOfficer(document) => {
            keyring::officer::judge(state, now, &authority, current, document)
        }
        AnyDocument::Keyring(_) => Err(Refusal::new(
            Code::ProofRequired,
            "a keyring begins and changes by messages of its authority and its holder",
        )),
        AnyDocument::ProtectAct(_) => {
            Err(Refusal::new(Code::ProofRequired, "an act is judged with the data that it is about"))
        }
    }?;
    let record = record_of(now, &claim, &authority, current, verdict)?;
    Ok(Event::new(&record, Change::Attested { payload: claim.payload }))
}

/// The proof verified under the state as it was; the same keys must stand in the state as it is.
fn still_holds(state: &State, authority: &Authority) -> Result<(), Refusal> {
    let holds = match authority {
        Authority::Platform => true,
        Authority::Officer { certificate } => {
            state.keyrings().officer().is_some_and(|officer| officer.certificate == *certificate)
        }
        Authority::Passkey { credential, account, .. } => {
            let credential = state.credential(credential);
            let of_account = credential.is_some_and(|c| c.is_active() && c.document.account == *account);
            of_account && state.account(*account).is_some_and(|a| a.document.status == AccountStatus::Active)
        }
        Authority::Organisation { organisation, signer } => {
            let root = state.organisation(*organisation).is_some_and(|known| known.root == *signer);
            root || state.signer(signer) == Some(*organisation)
        }
    };
    if holds {
        Ok(())
    } else {
        Err(Refusal::new(Code::CredentialUnknown, "the key that signed is no longer in use"))
    }
}

fn record_of(
    now: u64,
    claim: &Claim,
    authority: &Authority,
    current: Option<Version>,
    verdict: Verdict,
) -> Result<Record, Refusal> {
    let attested = Attested {
        hash: sha256(&claim.payload),
        id: claim.id.to_string(),
        kind: claim.kind.to_string(),
        previous: current.map(|current| current.hash),
        version: current.map_or(1, |current| current.version + 1),
    };
    let action = action_of(claim.kind, attested.version);
    let mut builder =
        Record::builder(now, verdict.actor, asserted(authority), action).granted().attested(attested);
    for (kind, id) in verdict.subjects {
        builder = builder.subject(kind, id);
    }
    for (name, value) in verdict.details {
        builder = builder.detail(name, value);
    }
    if let Some(organisation) = verdict.organisation {
        builder = builder.organisation(organisation.to_string());
    }
    with_proof(builder, authority)
        .build()
        .map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))
}

fn with_proof(builder: RecordBuilder, authority: &Authority) -> RecordBuilder {
    match authority {
        Authority::Passkey { credential, user_verified, .. } => builder
            .subject("credential", credential.to_string())
            .detail("user_verified", if *user_verified { "yes" } else { "no" }),
        Authority::Organisation { signer, .. } => builder.detail("signer", signer.to_string()),
        Authority::Officer { certificate } => builder.detail("signer", certificate.to_string()),
        Authority::Platform => builder,
    }
}

fn asserted(authority: &Authority) -> Asserted {
    match authority {
        Authority::Passkey { .. } => Asserted::Passkey,
        Authority::Organisation { .. } => Asserted::Organisation,
        Authority::Officer { .. } => Asserted::Actor,
        Authority::Platform => Asserted::Platform,
    }
}

/// The action of a record that attests a row, or refuses to.
#[must_use]
pub(crate) fn action_of(kind: Kind, version: u64) -> Action {
    match kind {
        Kind::Organisation => Action::ORGANISATION_ENROL,
        Kind::KeyStatement | Kind::FunderKey => Action::KEY_PUBLISH,
        Kind::Account => Action::ACCOUNT_ENROL,
        Kind::Credential => Action::CREDENTIAL_ENROL,
        Kind::Identity => Action::IDENTITY_ENROL,
        Kind::Scheme => Action::SCHEME_PUBLISH,
        Kind::Dossier if version == 1 => Action::DEPOSIT_BEGIN,
        Kind::Manifest => Action::DEPOSIT_COMPLETE,
        Kind::Decision => Action::DECISION,
        Kind::Application => Action::APPLICATION_ENROL,
        Kind::Datum => Action::DATUM_CALL,
        Kind::ProtectAct => Action::DATUM_ACT,
        Kind::KeyringPolicy => Action::KEYRING_POLICY,
        Kind::KeyringAccess => Action::KEYRING_ACCESS,
        Kind::KeyringOfficer => Action::KEYRING_OFFICER,
        Kind::Dossier | Kind::Keyring | Kind::Policy => Action::ATTEST,
    }
}

/// The account behind a passkey.
fn passkey_account<'a>(state: &'a State, authority: &Authority, what: &str) -> Result<&'a Account, Refusal> {
    let Authority::Passkey { account, .. } = authority else {
        return Err(Refusal::new(Code::ProofRequired, format!("{what} needs a passkey")));
    };
    state
        .account(*account)
        .ok_or_else(|| Refusal::new(Code::AccountUnknown, "the passkey's account is unknown"))
}

fn actor(role: Role, account: AccountId) -> Actor {
    Actor::new(role.into(), account.to_string())
}

fn actor_of(account: &Account) -> Actor {
    actor(account.document.role, account.document.account)
}

/// Whether an organisation may name the account as one of its people: what is not enrolled here is its own word.
fn is_staff_of(state: &State, account: AccountId, organisation: OrganisationId) -> bool {
    state.account(account).is_none_or(|known| known.document.organisation == Some(organisation))
}

pub(crate) fn platform() -> Actor {
    Actor::new(ActorKind::Platform, "platform")
}

pub(crate) fn element() -> Actor {
    Actor::new(ActorKind::Element, "element")
}

fn not_authorised(detail: &str) -> Refusal {
    Refusal::new(Code::NotAuthorised, detail)
}

fn demand(holds: bool, code: Code, detail: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(code, detail)) }
}

fn describe(current: Option<Version>) -> String {
    match current {
        None => "the row has no version yet: ask again with previous null".to_owned(),
        Some(current) => format!("the current version is {} with hash {}", current.version, current.hash),
    }
}
