//! Decisions on their way back: what the organisation's system decided is asked of the key manager, which signs it under the grant.

use std::path::Path;

use sceau_element_api::Base64Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::feed::Delivery;
use super::folder::Held;
use super::receiver::{Decided, Receiver};
use super::trouble::Trouble;
use super::writing::{hex, pretty};

/// What the organisation's system drops into the folder of a dossier, prints, or answers.
pub(super) const FOUND: &str = "decision.json";
/// What became of it, beside it.
const TOLD: &str = "decision.result.json";
/// What the organisation decided, wherever it did.
const DECIDED: &str = "decided.json";
/// The largest that is read, in bytes: a reason has at most 2,000 characters.
pub(super) const LARGEST: usize = 64 << 10;

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

impl Found {
    /// What lies in the folder of a dossier, if there is something.
    pub(super) fn in_folder(place: &Path) -> Option<Self> {
        let path = place.join(FOUND);
        let size = std::fs::symlink_metadata(&path).ok().filter(std::fs::Metadata::is_file)?.len();
        if size > LARGEST as u64 {
            return Some(Self::of(Vec::new()));
        }
        std::fs::read(&path).ok().map(Self::of)
    }

    /// What a program printed or a server answered.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { hash: hex(&sceau_crypto::sha256(&bytes)), bytes }
    }

    /// Has the key manager sign it, with the proof that lies in the folder.
    pub(super) async fn deliver(&self, receiver: &Receiver, place: &Path) -> Result<(), Trouble> {
        let wanted: Wanted = serde_json::from_slice(&self.bytes).map_err(|error| {
            Trouble::aside(
                "decision_malformed",
                format!("{error}; a decision is {{\"decision\", \"reason\"}}"),
            )
        })?;
        let read = |inside: &str| {
            let path = place.join("proof").join(inside);
            std::fs::read(&path).map_err(|error| Trouble::disk(&path, &error))
        };
        let manifest = read("manifest")?;
        let evidence: Value = serde_json::from_slice(&read("evidence.json")?)
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
}

/// Says in the folder of a dossier what the organisation decided, wherever it did, with what shows it. What the feed says of it alone is not written.
pub(super) fn note(place: &Path, delivery: &Delivery, proven: Option<Decided>) -> Result<(), Trouble> {
    let unproven = |words: &str| Err(Trouble::later("decision_unproven", words));
    let Some(proven) = proven else {
        return unproven("the feed says that it is decided, and the platform shows no decision");
    };
    let decision = &proven.decision;
    if decision.manifest_hash != delivery.manifest_hash {
        // The depositor sent it again meanwhile, and what is decided now is decided on that.
        return Ok(());
    }
    let said = json!({
        "decision": decision.decision, "reason": decision.reason, "time": decision.time,
        "manifest_hash": decision.manifest_hash, "decided_by": decision.decided_by, "role": decision.role,
        "connector": decision.connector, "logged": proven.attestation.record.time(),
        "log_index": proven.attestation.index,
    });
    let written = || {
        // None where it was taken away.
        let Some(place) = Held::open(place)? else { return Ok(()) };
        let proof = place.inside("proof")?;
        proof.replace("decision", &proven.payload)?;
        proof.replace("decision-evidence.json", &pretty(&proven.evidence))?;
        place.replace(DECIDED, &pretty(&said))
    };
    written().map_err(|error| Trouble::disk(place, &error))
}

/// Whether a decision lies in the folder of a dossier that the key manager has not signed: not yet, or not at all.
pub(super) fn waits(place: &Path) -> bool {
    let Some(found) = Found::in_folder(place) else { return false };
    let told = std::fs::read(place.join(TOLD)).unwrap_or_default();
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    let signed = told.get("state").is_some_and(|state| state == "signed");
    !(signed && told.get("decision_sha256").is_some_and(|hash| *hash == found.hash))
}

/// Says in the folder what became of a decision; a folder that was taken away needs no word.
pub(super) fn tell(place: &Path, found: &Found, outcome: &Result<(), Trouble>) -> std::io::Result<()> {
    let Some(place) = Held::open(place)? else { return Ok(()) };
    let told = match outcome {
        Ok(()) => json!({"decision_sha256": found.hash, "state": "signed"}),
        Err(trouble) => json!({
            "decision_sha256": found.hash, "state": "refused", "code": trouble.code(), "detail": trouble.to_string(),
        }),
    };
    place.replace(TOLD, &pretty(&told))
}
