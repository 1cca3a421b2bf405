//! What happened, in the one form in which it enters the log.

mod builder;
mod check;
mod commit;
mod words;

pub use builder::RecordBuilder;
pub(crate) use check::{MAX_SUBJECTS, is_id};
pub use words::{Action, ActorKind, Asserted, Outcome};

use crate::{Hash, RecordError, leaf_hash, sha256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest record: what an entry of a tlog-tiles bundle can carry.
pub const MAX_RECORD_BYTES: usize = 65_535;

/// One record of the trace. It can only hold what may be logged for ever: ids, hashes, codes, commitments.
///
/// A `Record` is always valid: it comes from [`Record::builder`] or [`Record::parse`]. Its bytes are JSON with sorted
/// keys, no white space and every key present; the fields below are declared in that order on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireRecord", into = "WireRecord")]
pub struct Record {
    wire: WireRecord,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Uuid; a commitment (`hmac:…`) where it is a person's and not opened.
    pub id: String,
    /// In which quality.
    pub kind: ActorKind,
}

impl Actor {
    /// An actor of that kind; the id is checked when the record is built.
    pub fn new(kind: ActorKind, id: impl Into<String>) -> Self {
        Actor { id: id.into(), kind }
    }
}

/// What the act was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Uuid or hex; a commitment (`hmac:…`) where it is a person's thing and not opened.
    pub id: String,
    /// `dossier`, `file`, `account`… lower case.
    pub kind: String,
}

/// The attestation that this record makes: a new version in the element's authenticated map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// SHA-256 of the attested payload's exact bytes.
    pub hash: Hash,
    /// Id of the attested thing within its kind; a commitment (`hmac:…`) where it is a person's and not opened.
    pub id: String,
    /// `organisation`, `manifest`… lower case.
    pub kind: String,
    /// Hash of the version before; nothing for the first.
    pub previous: Option<Hash>,
    /// 1 for the first version, then one more each time.
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireRecord {
    pub(crate) action: Action,
    pub(crate) actor: Actor,
    pub(crate) asserted: Asserted,
    pub(crate) attested: Option<Attested>,
    pub(crate) code: String,
    pub(crate) detail: BTreeMap<String, String>,
    pub(crate) organisation: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) time: u64,
    pub(crate) v: u64,
}

impl Record {
    /// Starts a record of an act at `time` (unix milliseconds). `outcome` begins as intent.
    pub fn builder(time: u64, actor: Actor, asserted: Asserted, action: Action) -> RecordBuilder {
        RecordBuilder::new(time, actor, asserted, action)
    }

    /// Reads the exact bytes of a log entry; refuses any other spelling of the same record.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLong);
        }
        check::version(bytes)?;
        let wire: WireRecord = serde_json::from_slice(bytes).map_err(malformed)?;
        let record = Record::try_from(wire)?;
        if record.to_bytes() == bytes { Ok(record) } else { Err(RecordError::NotCanonical) }
    }

    /// The exact bytes that are the log entry.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.wire).unwrap_or_default() // strings, numbers and string keys only: cannot fail
    }

    /// The leaf hash of this record's bytes.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }

    /// When, in unix milliseconds.
    pub fn time(&self) -> u64 {
        self.wire.time
    }

    /// Who.
    pub fn actor(&self) -> &Actor {
        &self.wire.actor
    }

    /// On whose word the record names its actor.
    pub fn asserted(&self) -> Asserted {
        self.wire.asserted
    }

    /// What was done or asked.
    pub fn action(&self) -> &Action {
        &self.wire.action
    }

    /// Intent, or how it ended.
    pub fn outcome(&self) -> Outcome {
        self.wire.outcome
    }

    /// Why it was refused; empty otherwise.
    pub fn code(&self) -> &str {
        &self.wire.code
    }

    /// What the act was about.
    pub fn subjects(&self) -> &[Subject] {
        &self.wire.subjects
    }

    /// The organisation concerned (uuid).
    pub fn organisation(&self) -> Option<&str> {
        self.wire.organisation.as_deref()
    }

    /// The attestation made by this record.
    pub fn attested(&self) -> Option<&Attested> {
        self.wire.attested.as_ref()
    }

    /// The attestation, if this record grants one of `kind` over exactly these payload bytes; the way to tie a document
    /// to a verified evidence.
    pub fn attests(&self, kind: &str, payload: &[u8]) -> Option<&Attested> {
        let attested = self.attested().filter(|attested| attested.kind == kind)?;
        (self.outcome() == Outcome::Granted && attested.hash == sha256(payload)).then_some(attested)
    }

    /// Further facts: counters, hashes, commitments.
    pub fn detail(&self) -> &BTreeMap<String, String> {
        &self.wire.detail
    }
}

impl TryFrom<WireRecord> for Record {
    type Error = RecordError;

    fn try_from(wire: WireRecord) -> Result<Self, RecordError> {
        check::fields(&wire)?;
        let record = Record { wire };
        if record.to_bytes().len() > MAX_RECORD_BYTES { Err(RecordError::TooLong) } else { Ok(record) }
    }
}

impl From<Record> for WireRecord {
    fn from(record: Record) -> Self {
        record.wire
    }
}

fn malformed(error: serde_json::Error) -> RecordError {
    RecordError::Malformed { line: error.line(), column: error.column() }
}
