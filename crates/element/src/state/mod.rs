//! What the element knows: the current version of each row, and what the rules need of their content. Pure and rebuilt from
//! the journal; it changes by [`State::apply`] only.

mod acts;
mod agreements;
mod apply;
mod calls;
mod entities;
mod epochs;
mod keyrings;
mod retention;

pub(crate) use acts::{Asked, WaitingActs};
pub(crate) use agreements::Between;
use agreements::{Agreement, Agreements};
pub use apply::ApplyError;
pub use calls::{CallKey, OpenCalls};
pub use entities::{
    Account, Application, Authority, Credential, Dossier, Enrolment, KeyChain, ManifestFact, Organisation,
    Scheme, SchemeVersion, StatedKey,
};
pub use epochs::{Epochs, Phase, Turn};
pub use keyrings::{
    AccessFact, ActorFact, Certified, KeyringFact, Keyrings, PolicyFact, RoamingFact, SpentRequests,
    TerminalFact,
};
pub use retention::{Retention, RetentionStep};

use std::collections::{HashMap, HashSet};

use entities::Accessed;

use sceau_crypto::{Fingerprint, KeyId};
use sceau_element_api::documents::{Decision, IdentityDocument, KeyUse};
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_element_api::{AccountId, ApplicationId, DossierId, Kind, OrganisationId, RowId, SchemeId};
use sceau_trace::{Checkpoint, Hash};

/// The element's state after some number of log entries.
#[derive(Debug, Default)]
pub struct State {
    size: u64,
    rows: HashMap<RowKey, AttestedRow>,
    organisations: HashMap<OrganisationId, Organisation>,
    keys: HashMap<(OrganisationId, KeyUse), KeyChain>,
    stated: HashMap<KeyId, (OrganisationId, Option<Fingerprint>)>,
    replaced: HashMap<KeyId, u64>,
    /// Keys that their organisation withdrew.
    withdrawn: HashSet<KeyId>,
    accounts: HashMap<AccountId, Account>,
    credentials: HashMap<RowId, Credential>,
    identities: HashMap<RowId, IdentityDocument>,
    schemes: HashMap<SchemeId, Scheme>,
    dossiers: HashMap<DossierId, Dossier>,
    manifests: HashMap<DossierId, ManifestFact>,
    decisions: HashMap<DossierId, Decision>,
    delivered: HashMap<(OrganisationId, Hash), u64>,
    platform_admins: HashSet<AccountId>,
    applications: HashMap<ApplicationId, Application>,
    /// Organisations that protect data, with the number of their keys: from 1, in the order of their first application.
    tenants: HashMap<OrganisationId, u32>,
    calls: OpenCalls,
    acts: WaitingActs,
    agreements: Agreements,
    accesses: HashMap<DatumId, Accessed>,
    epochs: HashMap<OrganisationId, Epochs>,
    retention: Retention,
    keyrings: Keyrings,
    /// The last checkpoint of each other log, and where it is recorded.
    seen: HashMap<String, (Checkpoint, u64)>,
}

impl State {
    /// Number of log entries applied; the index of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The current version of a row.
    #[must_use]
    pub fn row(&self, key: &RowKey) -> Option<AttestedRow> {
        self.rows.get(key).copied()
    }

    /// An organisation.
    #[must_use]
    pub fn organisation(&self, id: OrganisationId) -> Option<&Organisation> {
        self.organisations.get(&id)
    }

    /// The keys that an organisation stated for a use.
    #[must_use]
    pub fn keys(&self, organisation: OrganisationId, key_use: KeyUse) -> Option<&KeyChain> {
        self.keys.get(&(organisation, key_use))
    }

    /// The key of a use that counts now: the last one, unless its root was replaced since.
    #[must_use]
    pub fn current_key(&self, organisation: OrganisationId, key_use: KeyUse) -> Option<&StatedKey> {
        let root = self.organisation(organisation)?.root;
        self.keys(organisation, key_use).map(|chain| &chain.current).filter(|key| key.root == Some(root))
    }

    /// Which organisation stated a key, of either use, under whatever root.
    #[must_use]
    pub fn stated_by(&self, key: KeyId) -> Option<OrganisationId> {
        self.stated.get(&key).map(|(organisation, _)| *organisation)
    }

    /// Whether the root that stated a key was replaced since, or the key was withdrawn: it has ended.
    #[must_use]
    pub fn has_ended(&self, key: KeyId) -> bool {
        let stated = self.stated.get(&key);
        let replaced =
            stated.is_some_and(|(id, root)| self.organisation(*id).map(|known| known.root) != *root);
        replaced || self.withdrawn.contains(&key)
    }

    /// Log index of the statement that replaced a key.
    #[must_use]
    pub fn replaced_at(&self, key: KeyId) -> Option<u64> {
        self.replaced.get(&key).copied()
    }

    /// Which organisation a signing key's fingerprint belongs to.
    #[must_use]
    pub fn signer(&self, fingerprint: &Fingerprint) -> Option<OrganisationId> {
        self.stated_by(KeyId::from_bytes(*fingerprint.as_bytes()))
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// Every account, in no order.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The agreements of second persons that wait.
    pub(crate) fn agreements(&self) -> &Agreements {
        &self.agreements
    }

    /// Agreements whose records were replayed without their people get them, by what `find` says of an index.
    pub(crate) fn name_agreements(&mut self, find: impl Fn(u64) -> Option<Between>) {
        for index in self.agreements.unnamed() {
            if let Some(between) = find(index) {
                self.agreements.name(index, &between);
            }
        }
    }

    /// The requests to erase that wait for a second person.
    #[must_use]
    pub fn acts(&self) -> &WaitingActs {
        &self.acts
    }

    /// A passkey, by its row.
    #[must_use]
    pub fn credential(&self, row: &RowId) -> Option<&Credential> {
        self.credentials.get(row)
    }

    /// What a provider of identities calls somebody, by its row.
    #[must_use]
    pub fn identity(&self, row: &RowId) -> Option<&IdentityDocument> {
        self.identities.get(row)
    }

    /// A scheme.
    #[must_use]
    pub fn scheme(&self, id: SchemeId) -> Option<&Scheme> {
        self.schemes.get(&id)
    }

    /// A dossier.
    #[must_use]
    pub fn dossier(&self, id: DossierId) -> Option<&Dossier> {
        self.dossiers.get(&id)
    }

    /// What is known of a dossier's current manifest.
    #[must_use]
    pub fn manifest(&self, id: DossierId) -> Option<&ManifestFact> {
        self.manifests.get(&id)
    }

    /// The current decision on a dossier.
    #[must_use]
    pub fn decision(&self, id: DossierId) -> Option<&Decision> {
        self.decisions.get(&id)
    }

    /// Where a key manager's record is in the log, when it was delivered before.
    #[must_use]
    pub fn delivered(&self, organisation: OrganisationId, record: Hash) -> Option<u64> {
        self.delivered.get(&(organisation, record)).copied()
    }

    /// An application.
    #[must_use]
    pub fn application(&self, id: ApplicationId) -> Option<&Application> {
        self.applications.get(&id)
    }

    /// The number of an organisation's keys that protect data.
    #[must_use]
    pub fn tenant(&self, organisation: OrganisationId) -> Option<u32> {
        self.tenants.get(&organisation).copied()
    }

    /// How many organisations protect data.
    #[must_use]
    pub fn tenants(&self) -> u32 {
        u32::try_from(self.tenants.len()).unwrap_or(u32::MAX)
    }

    /// The organisations that protect data, in the order of the numbers of their keys.
    #[must_use]
    pub fn protecting(&self) -> Vec<OrganisationId> {
        let mut all: Vec<_> = self.tenants.iter().map(|(id, number)| (*number, *id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// The epochs of an organisation's keys; none where it protects no data.
    #[must_use]
    pub fn epochs(&self, organisation: OrganisationId) -> Option<&Epochs> {
        self.epochs.get(&organisation)
    }

    /// The last checkpoint of another log that was seen, and where it is recorded.
    #[must_use]
    pub fn seen(&self, origin: &str) -> Option<(&Checkpoint, u64)> {
        self.seen.get(origin).map(|(checkpoint, index)| (checkpoint, *index))
    }

    /// Keyrings.
    #[must_use]
    pub fn keyrings(&self) -> &Keyrings {
        &self.keyrings
    }

    /// What became of the keys under which it is sealed who asked.
    #[must_use]
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// Every row of a kind, in no order.
    pub(crate) fn rows_of(&self, kind: Kind) -> impl Iterator<Item = (&RowId, AttestedRow)> {
        self.rows.iter().filter(move |(key, _)| key.kind == kind).map(|(key, row)| (&key.id, *row))
    }

    /// The calls of applications that must be known again.
    #[must_use]
    pub fn calls(&self) -> &OpenCalls {
        &self.calls
    }

    /// Index of the last call, act or signature about a datum.
    #[must_use]
    pub fn last_access(&self, datum: DatumId) -> Option<u64> {
        let row = self.rows.get(&RowKey { kind: Kind::Datum, id: datum.into() });
        self.accesses.get(&datum).map(|accessed| accessed.last).max(row.map(|row| row.index))
    }

    /// How often a datum was opened.
    #[must_use]
    pub fn opened(&self, datum: DatumId) -> u64 {
        self.accesses.get(&datum).map_or(0, |accessed| accessed.opened)
    }

    /// Forgets the calls that ended by `time` (Unix milliseconds).
    pub(crate) fn forget_calls(&mut self, time: u64) {
        self.calls.forget(time);
        self.agreements.forget(time);
    }

    /// Whether a platform administrator was ever enrolled.
    #[must_use]
    pub fn has_platform_admin(&self) -> bool {
        !self.platform_admins.is_empty()
    }
}
