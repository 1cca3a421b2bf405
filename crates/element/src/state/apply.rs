//! Applying events. The same code runs when an event is new and when it is replayed from the journal.

use std::sync::Arc;

use sceau_element_api::documents::{
    AccountDocument, AccountStatus, ApplicationDocument, CredentialDocument, CredentialStatus, Document as _,
    KeyStatement, UserProvider,
};
use sceau_element_api::proof::CoseKey;
use sceau_element_api::protect::{DatumId, Happened};
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_element_api::{Kind, Role};
use sceau_trace::{Action, Asserted, Attested, Outcome, Record, SignedCheckpoint};

use super::{
    Account, Agreement, Application, Asked, Between, Credential, Dossier, Enrolment, KeyChain, ManifestFact,
    Organisation, Scheme, SchemeVersion, State, StatedKey,
};
use crate::document::AnyDocument;
use crate::event::{About, Change, Event, KeyringChange};
use crate::protect::users;
use crate::rules::call::{AGREEMENT, REPLACES, UNTIL};

/// An event that does not follow from the state: the journal is damaged, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The log entry is not a record that attests a row.
    #[error("entry {index} does not attest the row that the journal says")]
    Record {
        /// Its index.
        index: u64,
    },
    /// The payload is not the document that the record attests.
    #[error("entry {index} attests another document than the journal holds")]
    Payload {
        /// Its index.
        index: u64,
    },
    /// The call before it about the same datum is another.
    #[error("entry {index} does not follow the call before it about its datum")]
    Access {
        /// Its index.
        index: u64,
    },
    /// The turn of an epoch is not the next one.
    #[error("entry {index} does not follow in its organisation's epochs")]
    Epoch {
        /// Its index.
        index: u64,
    },
    /// The step of a month's key is not the next one.
    #[error("entry {index} does not follow in what became of its month's key")]
    Retention {
        /// Its index.
        index: u64,
    },
    /// The step is not the next one of its keyring.
    #[error("entry {index} does not follow in the life of its keyring")]
    Keyring {
        /// Its index.
        index: u64,
    },
    /// The version is not the next one of its row.
    #[error("entry {index} attests a version that does not follow")]
    Version {
        /// Its index.
        index: u64,
    },
}

impl State {
    /// Takes the next event in and returns what it attests, if anything.
    ///
    /// # Errors
    /// When the event does not follow; the state is then to be thrown away.
    pub fn apply(&mut self, event: &Event) -> Result<Option<(Attested, AttestedRow)>, ApplyError> {
        let index = self.size;
        self.size += 1;
        match &event.change {
            Change::Recorded => Ok(None),
            Change::Delivered { organisation, record } => {
                self.delivered.insert((*organisation, *record), index);
                Ok(None)
            }
            Change::Attested { payload } => {
                let record = event.record().map_err(|_| ApplyError::Record { index })?;
                self.attest(index, &record, payload).map(Some)
            }
            Change::Called { call, about, row } => {
                let record = event.record().map_err(|_| ApplyError::Record { index })?;
                self.calls.take(*call, record.time());
                self.follow(index, *about, &record)?;
                match row {
                    Some(row) => self.attest(index, &record, &row.payload).map(Some),
                    None => Ok(None),
                }
            }
            Change::Acted { about, row } => {
                let record = event.record().map_err(|_| ApplyError::Record { index })?;
                self.follow(index, Some(*about), &record)?;
                self.attest(index, &record, &row.payload).map(Some)
            }
            Change::Signed { about } => {
                let record = Record::parse(&event.leaf).map_err(|_| ApplyError::Record { index })?;
                self.follow(index, Some(*about), &record)?;
                Ok(None)
            }
            Change::Epoch { organisation, epoch, turn } => {
                let record = Record::parse(&event.leaf).map_err(|_| ApplyError::Record { index })?;
                let at = Happened { time: record.time(), index };
                let epochs = self.epochs.get_mut(organisation).ok_or(ApplyError::Epoch { index })?;
                epochs.take(*epoch, turn, at).ok_or(ApplyError::Epoch { index })?;
                Ok(None)
            }
            Change::Keyring(change) => self.follow_keyring(index, event, change),
            Change::Seen { note } => {
                let note = SignedCheckpoint::parse(note).map_err(|_| ApplyError::Record { index })?;
                let seen = note.unverified().clone();
                self.seen.insert(seen.origin().to_owned(), (seen, index));
                Ok(None)
            }
            Change::Retention { month, step } => {
                let record = Record::parse(&event.leaf).map_err(|_| ApplyError::Record { index })?;
                let at = Happened { time: record.time(), index };
                self.retention.take(*month, *step, at).ok_or(ApplyError::Retention { index })?;
                Ok(None)
            }
        }
    }

    /// Takes a step in the life of keyrings in, and the version that it attests.
    fn follow_keyring(
        &mut self,
        index: u64,
        event: &Event,
        change: &KeyringChange,
    ) -> Result<Option<(Attested, AttestedRow)>, ApplyError> {
        let time = Record::parse(&event.leaf).map_err(|_| ApplyError::Record { index })?.time();
        let (attested, document) = match change {
            KeyringChange::Row { payload, .. } => {
                let record = event.record().map_err(|_| ApplyError::Record { index })?;
                (Some(self.attest(index, &record, payload)?), super::keyrings::document(payload))
            }
            _ => (None, None),
        };
        let row = document.as_ref().zip(attested.as_ref().map(|(_, row)| row.version()));
        self.keyrings.take(change, (index, time), row).ok_or(ApplyError::Keyring { index })?;
        Ok(attested)
    }

    /// Keeps the place of what is on record about a datum, where its row does not say it, and counts openings.
    fn follow(&mut self, index: u64, about: Option<About>, record: &Record) -> Result<(), ApplyError> {
        let Some(About { datum, previous }) = about else { return Ok(()) };
        if previous != self.last_access(datum) {
            return Err(ApplyError::Access { index });
        }
        if record.attested().is_none() {
            let opens = *record.action() == Action::DATUM_OPEN && record.outcome() == Outcome::Granted;
            let accessed = self.accesses.entry(datum).or_default();
            accessed.last = index;
            accessed.opened += u64::from(opens);
            self.learn_agreement(index, datum, record);
        }
        Ok(())
    }

    /// Takes an agreement of a second person in, or forgets the one that an opening used up.
    fn learn_agreement(&mut self, index: u64, datum: DatumId, record: &Record) {
        let detail = |name: &str| record.detail().get(name).and_then(|value| value.parse().ok());
        if record.outcome() != Outcome::Granted {
            return;
        }
        if let Some(used) = detail(AGREEMENT).filter(|_| *record.action() == Action::DATUM_OPEN) {
            self.agreements.spend(datum, used);
        }
        let until = detail(UNTIL).filter(|_| *record.action() == Action::DATUM_AGREE);
        let row = self.rows.get(&RowKey { kind: Kind::Datum, id: datum.into() });
        let application = record.actor().id.parse().ok();
        if let (Some(until), Some(row), Some(application)) = (until, row, application) {
            // A replay does not open whose it is: a start asks for that afterwards. What it replaces is said by index, for the same cause.
            let between = users(record).map(|(by, to)| Between { by, to });
            let agreement = Agreement { index, between, until, version: row.version };
            self.agreements.forget(record.time());
            if let Some(replaced) = detail(REPLACES) {
                self.agreements.spend(datum, replaced);
            }
            self.agreements.take(application, datum, agreement);
        }
    }

    fn attest(
        &mut self,
        index: u64,
        record: &Record,
        payload: &[u8],
    ) -> Result<(Attested, AttestedRow), ApplyError> {
        let attested = record.attested().ok_or(ApplyError::Record { index })?;
        let key = row_key(attested).ok_or(ApplyError::Record { index })?;
        let document = AnyDocument::parse(key.kind, payload).map_err(|_| ApplyError::Payload { index })?;
        if document.row() != key.id || sceau_trace::sha256(payload) != attested.hash {
            return Err(ApplyError::Payload { index });
        }
        let current = self.rows.get(&key).map(AttestedRow::version);
        let follows = attested.version == current.map_or(1, |current| current.version + 1)
            && attested.previous == current.map(|current| current.hash);
        if !follows {
            return Err(ApplyError::Version { index });
        }
        let row = AttestedRow { version: attested.version, hash: attested.hash, index };
        self.rows.insert(key, row);
        self.learn(document, record, row).ok_or(ApplyError::Payload { index })?;
        Ok((attested.clone(), row))
    }

    /// Keeps what the rules need of a document; none when it contradicts itself.
    fn learn(&mut self, document: AnyDocument, record: &Record, row: AttestedRow) -> Option<()> {
        match document {
            AnyDocument::Organisation(document) => {
                let organisation = Organisation { name: document.name, root: document.root_fingerprint };
                self.organisations.insert(document.organisation, organisation);
            }
            AnyDocument::KeyStatement(statement) => self.learn_key(&statement, record.time(), row.index),
            AnyDocument::Account(document) => self.learn_account(document, record),
            AnyDocument::Credential(document) => self.learn_credential((row, record.time()), document)?,
            AnyDocument::Identity(document) => {
                self.identities.insert(document.row(), document);
            }
            AnyDocument::Scheme(document) => {
                let version = SchemeVersion { hash: row.hash, intake: document.trusted_intake() };
                let scheme = Scheme { organisation: document.organisation, versions: Vec::new() };
                self.schemes.entry(document.scheme).or_insert(scheme).versions.push(version);
            }
            AnyDocument::Dossier(document) => {
                let begun = self.dossiers.get(&document.dossier).map_or(row.index, |known| known.begun);
                self.dossiers.insert(document.dossier, Dossier { document, begun });
            }
            AnyDocument::Manifest(document) => {
                self.manifests.insert(document.dossier, ManifestFact { hash: row.hash });
            }
            AnyDocument::Decision(document) => {
                self.decisions.insert(document.dossier, document);
            }
            AnyDocument::Application(document) => self.learn_application(document, row),
            AnyDocument::ProtectAct(document) => {
                let credential = record.subjects().iter().find(|subject| subject.kind == "credential")?;
                let credential = credential.id.parse().ok()?;
                let time = record.time();
                self.acts.take(Asked { document, hash: row.hash, credential, time }, time);
            }
            AnyDocument::KeyringPolicy(document) => {
                self.keyrings.learn_policy(document, row.version(), row.index);
            }
            AnyDocument::KeyringAccess(document) => {
                self.keyrings.learn_access(document, row.version(), row.index)?;
            }
            AnyDocument::KeyringOfficer(document) => self.keyrings.learn_officer(&document)?,
            // The step that attests it is taken in beside it.
            AnyDocument::Keyring(_) => {}
            // The rows themselves hold all that their rules ask.
            AnyDocument::FunderKey(_) => {}
            AnyDocument::Datum(document) => {
                if let Some(erased) = document.erased {
                    let epochs = self.epochs.get_mut(&document.organisation)?;
                    let at = Happened { time: record.time(), index: row.index };
                    (erased.epoch == epochs.current()).then(|| epochs.erase(at))?;
                }
            }
        }
        Some(())
    }

    fn learn_key(&mut self, statement: &KeyStatement, time: u64, index: u64) {
        let key = StatedKey::new(statement, time);
        self.stated.insert(key.id, (statement.organisation, key.root));
        let place = (statement.organisation, statement.key_use);
        let previous = self.keys.remove(&place).map(|chain| chain.current);
        if let Some(previous) = &previous {
            self.replaced.insert(previous.id, index);
            if statement.withdraws_predecessor {
                self.withdrawn.insert(previous.id);
            }
        }
        self.keys.insert(place, KeyChain { current: key, previous });
    }

    fn learn_account(&mut self, document: AccountDocument, record: &Record) {
        if document.role == Role::PlatformAdmin {
            self.platform_admins.insert(document.account);
        }
        let id = document.account;
        let (active, passkey) =
            (document.status == AccountStatus::Active, record.asserted() == Asserted::Passkey);
        // Who takes an account out of use vouches for nobody.
        let by = record.actor().id.parse().ok().filter(|_| active && passkey);
        let mut account = match self.accounts.remove(&id) {
            None => {
                let (since, vouched) = (record.time(), Vec::new());
                Account { document, enrolment: Enrolment::Open, active_credentials: 0, since, vouched }
            }
            Some(known) => {
                let was = &known.document;
                // A new invitation, in the word of an administrator's passkey: the person lost the authenticator.
                let invited = passkey
                    && active
                    && document.invitation_hash.is_some()
                    && document.invitation_hash != was.invitation_hash;
                let anew = invited
                    || document.role != was.role
                    || document.status != was.status
                    || document.applications != was.applications;
                let enrolment = if invited { Enrolment::Open } else { known.enrolment };
                let since = if anew { record.time() } else { known.since };
                Account { document, enrolment, since, ..known }
            }
        };
        account.vouched.extend(by.filter(|by| !account.vouched.contains(by)));
        self.accounts.insert(id, account);
    }

    fn learn_application(&mut self, document: ApplicationDocument, row: AttestedRow) {
        let next = self.tenants().saturating_add(1);
        self.tenants.entry(document.organisation).or_insert(next);
        self.epochs.entry(document.organisation).or_default();
        let keys = document.key_set().map(Arc::new);
        let provider_keys = document.provider.as_ref().and_then(UserProvider::key_set).map(Arc::new);
        let id = document.application;
        let application =
            Application { document: Arc::new(document), keys, provider_keys, version: row.version() };
        self.applications.insert(id, application);
    }

    fn learn_credential(
        &mut self,
        (row, time): (AttestedRow, u64),
        document: CredentialDocument,
    ) -> Option<()> {
        let key = CoseKey::parse(&document.cose_key).ok()?;
        let account = self.accounts.get_mut(&document.account)?;
        match (row.version, document.status) {
            (1, CredentialStatus::Active) => {
                account.active_credentials += 1;
                account.enrolment = Enrolment::Closed;
            }
            (_, CredentialStatus::Revoked) => {
                account.active_credentials = account.active_credentials.saturating_sub(1);
            }
            (_, CredentialStatus::Active) => {}
        }
        let id = CredentialDocument::row_of(&document.credential_id);
        let since = self.credentials.get(&id).map_or(time, |known| known.since);
        self.credentials.insert(id, Credential { document, since, key });
        Some(())
    }
}

/// The row that a record attests.
fn row_key(attested: &Attested) -> Option<RowKey> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == attested.kind)?;
    Some(RowKey { kind, id: attested.id.parse().ok()? })
}
