use crate::{
    CheckpointError, EvidenceError, Hash, Openings, Record, SignedCheckpoint, TlogProof, VerifiedCheckpoint,
    VerifierKey, leaf_hash, verify_inclusion,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_EVIDENCE_BYTES: usize = 8 << 20;
const FORMAT: &str = "sceau-evidence";

/// An evidence file: one record, the proof that a log holds it, and the checkpoint that the log signed; with what else
/// the reader may need. Not verified until [`verify`](Self::verify) says so.
///
/// In JSON of others (an API's answer) it is the same object as in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireEvidence", into = "WireEvidence")]
pub struct Evidence {
    wire: WireEvidence,
}

/// What a verified evidence file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEvidence {
    /// The record, with the values that the file opens in place of their commitments.
    pub record: Record,
    /// The leaf hash of the record as it is in the log.
    pub leaf: Hash,
    /// Its number in the log.
    pub index: u64,
    /// The size of the log that the proof is about.
    pub size: u64,
    /// The checkpoint, signed by the log.
    pub checkpoint: VerifiedCheckpoint,
    /// Whether the log's key was the caller's. If not, the file only proves that it agrees with itself.
    pub key_pinned: bool,
    /// What came along; this verification says nothing about it.
    pub attachments: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEvidence {
    v: u64,
    format: String,
    record: String,
    index: u64,
    proof: Vec<Hash>,
    checkpoint: String,
    log_key: String,
    #[serde(default, skip_serializing_if = "Openings::is_empty")]
    openings: Openings,
    #[serde(default)]
    attachments: BTreeMap<String, Value>,
}

impl Evidence {
    /// The attachment that holds time stamps (RFC 3161) of the checkpoint: an array of tokens, base64.
    pub const TIME_STAMPS: &str = "time-stamps";

    /// Puts the file together; `record` is the exact bytes of entry `index`, `proof` its audit path in the checkpoint's
    /// tree. Fails unless the result verifies, so that no worthless file is handed out.
    pub fn build(
        record: &[u8],
        index: u64,
        proof: Vec<Hash>,
        checkpoint: &VerifiedCheckpoint,
        log_key: &VerifierKey,
    ) -> Result<Self, EvidenceError> {
        let evidence = Evidence { wire: WireEvidence::new(record, index, proof, checkpoint, log_key) };
        evidence.verify(Some(log_key))?;
        Ok(evidence)
    }

    /// The same as [`build`](Self::build), of a checkpoint that was verified under this key just now: its signature is not verified anew.
    pub fn of_verified(
        record: &[u8],
        index: u64,
        proof: Vec<Hash>,
        checkpoint: &VerifiedCheckpoint,
        log_key: &VerifierKey,
    ) -> Result<Self, EvidenceError> {
        verify_inclusion(&leaf_hash(record), index, checkpoint.size(), &proof, &checkpoint.root())?;
        Ok(Evidence { wire: WireEvidence::new(record, index, proof, checkpoint, log_key) })
    }

    /// The same record under another checkpoint of the same log, such as one that witnesses cosigned. Fails unless the result verifies.
    pub fn under(mut self, proof: Vec<Hash>, checkpoint: &VerifiedCheckpoint) -> Result<Self, EvidenceError> {
        self.wire.proof = proof;
        self.wire.checkpoint = checkpoint.note().to_string();
        let log_key = self.log_key()?;
        self.verify(Some(&log_key))?;
        Ok(self)
    }

    /// Adds the openings of the record's commitments, in place of those that it has. Fails unless each fits.
    pub fn with_openings(mut self, openings: Openings) -> Result<Self, EvidenceError> {
        Record::parse(&self.record_bytes()?)?.reveal(&openings)?;
        self.wire.openings = openings;
        Ok(self)
    }

    /// Adds an attachment (a manifest, a decision…); one of the same name is replaced.
    #[must_use]
    pub fn attach(mut self, name: impl Into<String>, value: Value) -> Self {
        self.wire.attachments.insert(name.into(), value);
        self
    }

    /// Reads an evidence file.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > MAX_EVIDENCE_BYTES {
            return Err(EvidenceError::TooLong);
        }
        #[derive(Deserialize)]
        struct Head {
            v: u64,
            format: String,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|_| EvidenceError::Malformed)?;
        // The head alone first: a later version may have other fields.
        check_head(head.v, &head.format)?;
        serde_json::from_slice(bytes).map_err(|_| EvidenceError::Malformed)
    }

    /// The file's bytes: JSON for people, indented.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.wire).unwrap_or_default() // string keys only: cannot fail
    }

    /// The exact bytes of the record that is claimed.
    pub fn record_bytes(&self) -> Result<Vec<u8>, EvidenceError> {
        URL_SAFE_NO_PAD.decode(&self.wire.record).map_err(|_| EvidenceError::Malformed)
    }

    /// The entry's claimed number in the log.
    pub fn index(&self) -> u64 {
        self.wire.index
    }

    /// The embedded key, which only names the log; trust comes from the caller's own copy.
    pub fn log_key(&self) -> Result<VerifierKey, EvidenceError> {
        Ok(VerifierKey::parse(&self.wire.log_key).map_err(CheckpointError::from)?)
    }

    /// The openings within, unverified.
    pub fn openings(&self) -> &Openings {
        &self.wire.openings
    }

    /// What came along, unverified.
    pub fn attachments(&self) -> &BTreeMap<String, Value> {
        &self.wire.attachments
    }

    /// The same proof for other transparency tools; they need the record's bytes beside it.
    pub fn to_tlog_proof(&self) -> Result<TlogProof, EvidenceError> {
        let checkpoint = SignedCheckpoint::parse(&self.wire.checkpoint)?;
        Ok(TlogProof { extra: None, index: self.wire.index, hashes: self.wire.proof.clone(), checkpoint })
    }

    /// Verifies, offline, under the log key that the caller trusts; or, without one, under the key in the file, which
    /// proves only that the file is whole.
    pub fn verify(&self, pinned: Option<&VerifierKey>) -> Result<VerifiedEvidence, EvidenceError> {
        let embedded = self.log_key()?;
        if pinned.is_some_and(|pinned| *pinned != embedded) {
            return Err(EvidenceError::OtherLog);
        }
        let bytes = self.record_bytes()?;
        let record = Record::parse(&bytes)?;
        let checkpoint = SignedCheckpoint::parse(&self.wire.checkpoint)?.verify(&embedded)?;
        let (index, size) = (self.wire.index, checkpoint.size());
        let leaf = leaf_hash(&bytes);
        verify_inclusion(&leaf, index, size, &self.wire.proof, &checkpoint.root())?;
        Ok(VerifiedEvidence {
            record: record.reveal(&self.wire.openings)?,
            leaf,
            index,
            size,
            checkpoint,
            key_pinned: pinned.is_some(),
            attachments: self.wire.attachments.clone(),
        })
    }
}

impl WireEvidence {
    fn new(
        record: &[u8],
        index: u64,
        proof: Vec<Hash>,
        checkpoint: &VerifiedCheckpoint,
        log_key: &VerifierKey,
    ) -> Self {
        WireEvidence {
            v: 1,
            format: FORMAT.to_owned(),
            record: URL_SAFE_NO_PAD.encode(record),
            index,
            proof,
            checkpoint: checkpoint.note().to_string(),
            log_key: log_key.to_string(),
            openings: Openings::default(),
            attachments: BTreeMap::new(),
        }
    }
}

impl TryFrom<WireEvidence> for Evidence {
    type Error = EvidenceError;

    fn try_from(wire: WireEvidence) -> Result<Self, EvidenceError> {
        check_head(wire.v, &wire.format)?;
        Ok(Evidence { wire })
    }
}

impl From<Evidence> for WireEvidence {
    fn from(evidence: Evidence) -> Self {
        evidence.wire
    }
}

fn check_head(version: u64, format: &str) -> Result<(), EvidenceError> {
    match (format, version) {
        (FORMAT, 1) => Ok(()),
        (FORMAT, _) => Err(EvidenceError::UnknownVersion),
        _ => Err(EvidenceError::Malformed),
    }
}
