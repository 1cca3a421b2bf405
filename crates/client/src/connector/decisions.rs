//! Decisions on their way back: what the organisation's system decided is asked of the key manager, which signs it under the grant.

use std::io::{Error, ErrorKind};
use std::path::Path;

use sceau_element_api::Base64Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::held::Held;
use super::receiver::{Decided, Receiver};
use super::trouble::Trouble;
use super::writing::{hex, pretty};

/// What the organisation's system drops into the folder of a dossier, prints, or answers.
pub(super) const FOUND: &str = "decision.json";
/// What became of it, beside it.
pub(super) const TOLD: &str = "decision.result.json";
/// What the organisation decided, wherever it did.
pub(super) const DECIDED: &str = "decided.json";
/// What shows both: the folder beside them, and its files.
pub(super) const PROOF: &str = "proof";
pub(super) const MANIFEST: &str = "manifest";
pub(super) const EVIDENCE: &str = "evidence.json";
pub(super) const DECISION: &str = "decision";
pub(super) const DECISION_EVIDENCE: &str = "decision-evidence.json";
/// The largest decision that is read, in bytes: a reason has at most 2,000 characters.
pub(super) const LARGEST: usize = 64 << 10;
/// The largest manifest or evidence that is read back, in bytes: more than a key manager takes.
const LARGEST_PROOF: usize = 4 << 20;

/// A decision in the words of the organisation's system.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    decision: String,
    #[serde(default)]
    reason: String,
}

/// A decision that was found, with the hash by which it is known again.
pub(super) struct Found {
    pub(super) hash: String,
    bytes: Vec<u8>,
}

/// What became of a decision, as its folder says it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Told {
    /// The key manager signed it.
    Signed {},
    /// It was refused for good.
    Refused {
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
}

/// The file that says it: of which decision, and what.
#[derive(Serialize, Deserialize)]
struct Answer {
    decision_sha256: String,
    #[serde(flatten)]
    told: Told,
}

/// What proves which dossier is decided on, as it lies in its folder.
pub(super) struct Proof {
    pub(super) manifest: Vec<u8>,
    pub(super) evidence: Vec<u8>,
}

impl Proof {
    /// What lies in the folder of a dossier; `None` if it does not any more.
    pub(super) fn in_folder(place: &Held) -> Result<Option<Self>, Error> {
        let Some(proof) = place.existing(PROOF)? else { return Ok(None) };
        let (manifest, evidence) =
            (proof.read(MANIFEST, LARGEST_PROOF)?, proof.read(EVIDENCE, LARGEST_PROOF)?);
        Ok(manifest.zip(evidence).map(|(manifest, evidence)| Self { manifest, evidence }))
    }
}

impl Found {
    /// What lies in the folder of a dossier, if there is something.
    pub(super) fn in_folder(place: &Held) -> Option<Self> {
        match place.read(FOUND, LARGEST) {
            Ok(found) => found.map(Self::of),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Some(Self::of(Vec::new())),
            Err(_) => None,
        }
    }

    fn of(bytes: Vec<u8>) -> Self {
        Self { hash: hex(&sceau_crypto::sha256(&bytes)), bytes }
    }

    /// Has the key manager sign it, with the proof that lies in the same folder.
    pub(super) async fn deliver(&self, receiver: &Receiver, place: &Held) -> Result<(), Trouble> {
        let wanted: Wanted = serde_json::from_slice(&self.bytes).map_err(|error| {
            Trouble::aside(
                "decision_malformed",
                format!("{error}; a decision is {{\"decision\", \"reason\"}}"),
            )
        })?;
        let Proof { manifest, evidence } = Proof::in_folder(place)
            .and_then(|proof| proof.ok_or_else(|| ErrorKind::NotFound.into()))
            .map_err(|error| Trouble::disk(Path::new(PROOF), &error))?;
        let evidence: Value = serde_json::from_slice(&evidence)
            .map_err(|error| Trouble::aside("evidence_malformed", error.to_string()))?;
        let dossier = serde_json::from_slice::<Value>(&manifest)
            .ok()
            .and_then(|mut manifest| manifest.get_mut("dossier").map(Value::take))
            .ok_or_else(|| Trouble::aside("manifest_malformed", "the manifest in the folder is none"))?;
        let body = json!({
            "dossier": dossier, "manifest": Base64Url(manifest), "manifest_evidence": evidence,
            "decision": wanted.decision, "reason": wanted.reason,
        });
        Ok(receiver.decide(&body).await?)
    }

    /// What the folder says that became of it.
    pub(super) fn told(&self, place: &Held) -> Option<Told> {
        let said = place.read(TOLD, LARGEST).ok()??;
        let Answer { decision_sha256, told } = serde_json::from_slice(&said).ok()?;
        (decision_sha256 == self.hash).then_some(told)
    }

    /// Says in a folder what became of it.
    pub(super) fn tell(&self, place: &Held, outcome: &Result<(), Trouble>) -> Result<(), Error> {
        let told = match outcome {
            Ok(()) => Told::Signed {},
            Err(trouble) => Told::Refused { code: trouble.code().to_owned(), detail: trouble.to_string() },
        };
        let answer = Answer { decision_sha256: self.hash.clone(), told };
        unless_gone(place.replace(TOLD, &pretty(&serde_json::to_value(answer)?)))
    }
}

/// Nothing is written into a folder that was removed while it was held: nobody misses it.
pub(super) fn unless_gone(written: Result<(), Error>) -> Result<(), Error> {
    written.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// What the organisation decided, as its system is told.
pub(super) fn said(proven: &Decided) -> Value {
    let decision = &proven.decision;
    json!({
        "decision": decision.decision, "reason": decision.reason, "time": decision.time,
        "dossier": decision.dossier, "manifest_hash": decision.manifest_hash, "decided_by": decision.decided_by,
        "role": decision.role, "connector": decision.connector, "logged": proven.attestation.record.time(),
        "log_index": proven.attestation.index,
    })
}

/// Writes into a folder what the organisation decided, with what shows it.
pub(super) fn note(place: &Held, proven: &Decided) -> Result<(), Error> {
    let proof = place.inside(PROOF)?;
    proof.replace(DECISION, &proven.payload)?;
    proof.replace(DECISION_EVIDENCE, &pretty(&proven.evidence))?;
    place.replace(DECIDED, &pretty(&said(proven)))
}

/// Whether a decision lies in the folder of a dossier that the key manager has not signed: not yet, or not at all.
pub(super) fn waits(place: &Held) -> bool {
    Found::in_folder(place).is_some_and(|found| !matches!(found.told(place), Some(Told::Signed {})))
}
