//! The single line of decisions: each command in its turn gives an outcome and the events that make it so. Pure: time comes
//! in, bytes go out (the keys of commitments are drawn at random); the same core runs in the tests without a file or a socket.

mod act;
mod answer;
mod call;
mod keyring;
mod meter;
mod nonces;
mod own;
mod peers;

pub use nonces::{NONCE_LIFETIME, NonceAuthority};

use sceau_element_api::OrganisationId;
use sceau_element_api::protect::{Called, Kept, OfBatch};
use sceau_element_api::wire::{AttestedRow, Code, RecordDraft, Refusal, RowKey};
use sceau_trace::{Action, AddCheckpoint, Asserted, AttestedRows, Hash, Record, VerifierKey};

use crate::claim::ProvenClaim;
use crate::document::AnyDocument;
use crate::event::{Change, Event};
use crate::keyring::PreparedKeyring;
use crate::protect::{PreparedAct, PreparedCall};
use crate::retention::Month;
use crate::rules::{self, SignedContent, SignedRecord};
use crate::state::{ApplyError, Authority, Between, RetentionStep, State, Turn};
use meter::{Meter, Ruling};
use nonces::SpentNonces;

/// A moment, on both clocks that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Unix milliseconds, for records and validities.
    pub unix: u64,
    /// Milliseconds since the process started, for nonces: it never steps back.
    pub uptime: u64,
}

/// What the core is asked, read and verified beforehand.
#[derive(Debug)]
pub enum Command {
    /// Attest a document.
    Attest(Box<ProvenClaim>),
    /// Append a platform's record.
    Append(Box<RecordDraft>),
    /// Take in a key manager's record.
    Deliver(Box<SignedRecord>),
    /// Take an application's call.
    Call(Box<PreparedCall>),
    /// Take a batch: a call for each of its data.
    Batch(Vec<PreparedCall>),
    /// Take an act on data.
    Act(Box<PreparedAct>),
    /// Take a step in the life of a keyring.
    Keyring(Box<PreparedKeyring>),
    /// Record that a content was signed.
    Sign(Box<SignedContent>),
    /// Record that a request was refused before it came here.
    Refuse {
        /// What was asked.
        action: Action,
        /// The row that it was about.
        row: Option<RowKey>,
        /// Why it was refused.
        refusal: Refusal,
    },
    /// See a checkpoint of another log.
    See(Box<AddCheckpoint>),
    /// Record that the element starts, with this key of contents where none was named before.
    Start(Option<String>),
    /// Let counters of refusals be written when they are due.
    Tick,
}

impl Command {
    /// How many records it may come to, of those that are many.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Batch(calls) => calls.len(),
            _ => 1,
        }
    }
}

/// How a command ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A row has a new version.
    Attested(AttestedRow),
    /// A record is in the log.
    Appended {
        /// Its index.
        index: u64,
    },
    /// A call was granted.
    Called(Box<Called>),
    /// A batch was taken: what came of each of its data.
    CalledMany(Vec<OfBatch>),
    /// Refused.
    Refused(Refusal),
    /// Nothing to say.
    Silent,
}

/// The outcome of a command, good once the event is durable.
#[derive(Debug)]
pub struct Step {
    /// What the caller is told.
    pub outcome: Outcome,
    /// What happened, already applied: all of it, or nothing.
    pub events: Vec<Event>,
}

/// State, map and the short-lived memory of nonces and refusals.
#[derive(Debug)]
pub struct Core {
    state: State,
    rows: AttestedRows,
    authority: NonceAuthority,
    spent: SpentNonces,
    meter: Meter,
    time: u64,
    /// How many organisations may protect data.
    tenants: u32,
    /// The logs of other elements that are looked at.
    peers: Vec<VerifierKey>,
    /// For how long who approves must have been there, in milliseconds.
    approver_age: u64,
    /// Whether keyrings are served.
    keyrings: bool,
}

impl Core {
    /// An empty core that knows its own nonces by `authority`.
    #[must_use]
    pub fn new(authority: NonceAuthority) -> Self {
        Self {
            state: State::default(),
            rows: AttestedRows::new(),
            authority,
            spent: SpentNonces::default(),
            meter: Meter::default(),
            time: 0,
            tenants: 0,
            peers: Vec::new(),
            approver_age: rules::APPROVER_AGE,
            keyrings: false,
        }
    }

    /// Lets so many organisations protect data; none does unless this is said.
    pub fn serve_tenants(&mut self, tenants: u32) {
        self.tenants = tenants;
    }

    /// Has it see the logs of these keys; none unless this is said.
    pub fn see_logs_of(&mut self, peers: Vec<VerifierKey>) {
        self.peers = peers;
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// As [`State::name_agreements`].
    pub(crate) fn name_agreements(&mut self, find: impl Fn(u64) -> Option<Between>) {
        self.state.name_agreements(find);
    }

    /// The root of the authenticated map.
    #[must_use]
    pub fn map_root(&self) -> Hash {
        self.rows.root()
    }

    /// Takes in an event of the journal.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn replay(&mut self, event: &Event) -> Result<(), ApplyError> {
        self.apply(event).map(|_| ())
    }

    /// Decides a command. Records never go back in time, whatever the clock does.
    pub fn execute(&mut self, now: Moment, command: Command) -> Step {
        self.time = self.time.max(now.unix);
        match command {
            Command::Attest(claim) => self.attest(now, *claim),
            Command::Append(draft) => self.append(*draft),
            Command::Deliver(record) => self.deliver(*record),
            Command::Call(call) => self.call(*call),
            Command::Batch(calls) => self.batch(calls),
            Command::Act(act) => self.act(now, *act),
            Command::Keyring(prepared) => self.keyring(&prepared),
            Command::Sign(signed) => self.sign(&signed),
            Command::Refuse { action, row, refusal } => self.refuse(action, row, refusal),
            Command::See(request) => self.see(*request),
            Command::Start(contents) => self.start(contents),
            Command::Tick => match self.meter.due(self.time) {
                Some(count) => self.record_flood(count),
                None => Step { outcome: Outcome::Silent, events: Vec::new() },
            },
        }
    }

    fn attest(&mut self, now: Moment, proven: ProvenClaim) -> Step {
        let key = RowKey { kind: proven.claim.kind, id: proven.claim.id.clone() };
        let served = self.spend(now, &proven.authority).and_then(|()| self.serves(&proven.claim.document));
        match served.and_then(|()| rules::attest(&self.state, self.time, proven)) {
            Ok(event) => self.accept(event),
            Err(refusal) => self.refuse(rules::action_of(key.kind, 1), Some(key), refusal),
        }
    }

    /// Uses up the nonce of a passkey's proof.
    fn spend(&mut self, now: Moment, authority: &Authority) -> Result<(), Refusal> {
        match authority {
            Authority::Passkey { nonce, .. } => self.spent.spend(&self.authority, nonce, now.uptime),
            Authority::Organisation { .. } | Authority::Officer { .. } | Authority::Platform => Ok(()),
        }
    }

    /// Whether there are keys for the organisation of an application, or for keyrings.
    fn serves(&self, document: &AnyDocument) -> Result<(), Refusal> {
        let of_officer = matches!(
            document,
            AnyDocument::KeyringPolicy(_) | AnyDocument::KeyringAccess(_) | AnyDocument::KeyringOfficer(_)
        );
        if of_officer && !self.keyrings {
            return Err(rules::keyring::not_served());
        }
        let AnyDocument::Application(application) = document else { return Ok(()) };
        if self.tenants == 0 {
            let words = "this element protects no data: start it with --protect-tenants";
            return Err(Refusal::new(Code::KindNotServed, words));
        }
        let known = self.state.tenant(application.organisation).is_some();
        if known || self.state.tenants() < self.tenants {
            return Ok(());
        }
        let words =
            "there are no keys for another organisation: start the element with more --protect-tenants";
        Err(Refusal::new(Code::NoTenantLeft, words))
    }

    fn append(&mut self, draft: RecordDraft) -> Step {
        let action = draft.action.clone();
        match rules::draft_record(draft, self.time) {
            Ok(event) => self.accept(event),
            Err(refusal) => self.refuse(action, None, refusal),
        }
    }

    fn deliver(&mut self, record: SignedRecord) -> Step {
        if let Some(index) = self.state.delivered(record.organisation, record.digest) {
            return Step { outcome: Outcome::Appended { index }, events: Vec::new() };
        }
        match record.check_actor(&self.state).and_then(|()| record.into_event(self.time)) {
            Ok(event) => self.accept(event),
            Err(refusal) => self.refuse(Action::ATTEST, None, refusal),
        }
    }

    /// Records a refusal, or counts it when there are too many.
    fn refuse(&mut self, action: Action, row: Option<RowKey>, refusal: Refusal) -> Step {
        let event = match self.meter.ruling(self.time) {
            Ruling::Record => self.refusal_event(action, row, refusal.code),
            Ruling::Count => None,
        };
        Step { outcome: Outcome::Refused(refusal), events: event.into_iter().collect() }
    }

    fn refusal_event(&mut self, action: Action, row: Option<RowKey>, code: Code) -> Option<Event> {
        let mut builder =
            Record::builder(self.time, rules::platform(), Asserted::Element, action).refused(code.as_str());
        if let Some(row) = row {
            builder = builder.subject(row.kind.as_str(), row.id.as_str());
        }
        self.keep(builder.build().ok()?)
    }

    fn record_flood(&mut self, count: u64) -> Step {
        let builder = Record::builder(self.time, rules::platform(), Asserted::Element, Action::ATTEST);
        let record = builder.refused("flood").detail("count", count.to_string()).build();
        let event = record.ok().and_then(|record| self.keep(record));
        Step { outcome: Outcome::Silent, events: event.into_iter().collect() }
    }

    /// Has an epoch of an organisation's keys take a turn.
    ///
    /// # Errors
    /// When it does not follow.
    pub(crate) fn turn_epoch(
        &mut self,
        now: Moment,
        organisation: OrganisationId,
        epoch: u32,
        turn: Turn,
    ) -> Result<Event, ApplyError> {
        self.time = self.time.max(now.unix);
        let action = match turn {
            Turn::Begun { .. } => Action::EPOCH_BEGIN,
            Turn::Resealed(_) => Action::EPOCH_RESEAL,
            Turn::Ended => Action::EPOCH_END,
        };
        let mut builder = Record::builder(self.time, rules::element(), Asserted::Element, action)
            .organisation(organisation.to_string())
            .detail("epoch", epoch.to_string());
        if let Turn::Resealed(salts) = &turn {
            builder = builder.detail("count", salts.len().to_string());
        }
        if let Turn::Begun { kept } = &turn {
            builder = builder.detail(Kept::DETAIL, kept.as_str());
        }
        let record = builder.granted().build();
        let record = record.map_err(|_| ApplyError::Record { index: self.state.size() })?;
        let event = Event::new(&record, Change::Epoch { organisation, epoch, turn });
        self.apply(&event).map(|_| event)
    }

    /// Has the key of a month take a step to its end.
    ///
    /// # Errors
    /// When it does not follow.
    pub(crate) fn retain(
        &mut self,
        now: Moment,
        month: Month,
        step: RetentionStep,
        kept: Option<Kept>,
    ) -> Result<Event, ApplyError> {
        self.time = self.time.max(now.unix);
        let action = match step {
            RetentionStep::Due => Action::RETENTION_DUE,
            RetentionStep::Ended => Action::RETENTION_END,
        };
        let builder = Record::builder(self.time, rules::element(), Asserted::Element, action)
            .detail("period", month.to_string());
        let builder = kept.into_iter().fold(builder, |it, kept| it.detail(Kept::DETAIL, kept.as_str()));
        let record = builder.granted().build();
        let record = record.map_err(|_| ApplyError::Record { index: self.state.size() })?;
        let event = Event::new(&record, Change::Retention { month, step });
        self.apply(&event).map(|_| event)
    }

    fn keep(&mut self, record: Record) -> Option<Event> {
        let event = Event::new(&record, Change::Recorded);
        self.apply(&event).ok().map(|_| event)
    }

    fn accept(&mut self, event: Event) -> Step {
        let index = self.state.size();
        match self.apply(&event) {
            Ok(Some(row)) => Step { outcome: Outcome::Attested(row), events: vec![event] },
            Ok(None) => Step { outcome: Outcome::Appended { index }, events: vec![event] },
            // The rules made an event that does not follow: a fault of ours, and nothing may go on from here.
            Err(error) => Step {
                outcome: Outcome::Refused(Refusal::new(Code::Unavailable, error.to_string())),
                events: Vec::new(),
            },
        }
    }

    fn apply(&mut self, event: &Event) -> Result<Option<AttestedRow>, ApplyError> {
        let index = self.state.size();
        let Some((attested, row)) = self.state.apply(event)? else { return Ok(None) };
        self.rows.take(&attested).map_err(|_| ApplyError::Version { index })?;
        Ok(Some(row))
    }
}
