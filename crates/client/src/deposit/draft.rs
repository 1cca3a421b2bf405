//! A deposit under way, as it is kept between two runs of a program.

use std::collections::BTreeMap;

use sceau_crypto::FileId;
use sceau_element_api::documents::SealedFile;
use sceau_element_api::{Base64Url, DossierId, SchemeId};
use serde::{Deserialize, Serialize};

use crate::trust::OfferedKey;

/// Parts that a platform takes for one dossier, whatever they are of.
const MAX_PARTS: u64 = 8448;
/// Plaintext bytes of a part, all but the first.
const PART: u64 = (1 << 20) - 16;

/// What is needed to go on with a deposit. It holds no key and no content: a file that was cut in the middle is sealed anew, under a
/// new key, for to go on with it would take keeping its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// The dossier.
    pub dossier: DossierId,
    /// The scheme.
    pub scheme: SchemeId,
    /// The recipient's key, with its proofs; verified again at each run.
    pub recipient: OfferedKey,
    /// What has arrived whole, by place in the list of documents.
    pub arrived: BTreeMap<usize, SealedFile>,
    /// What was begun and has perhaps not arrived whole.
    pub under_way: Vec<FileId>,
    /// The manifest's exact bytes, once it was made: only these can be sent again.
    pub manifest: Option<Base64Url>,
}

impl Draft {
    /// Whether files of these sizes (bytes; those that have not arrived) still fit beside what has arrived and `left` parts of
    /// files that were cut.
    #[must_use]
    pub fn has_room(&self, left: u64, missing: &[u64]) -> bool {
        let arrived: u64 = self.arrived.values().map(|file| u64::from(file.parts)).sum();
        // One more for each first part, which holds less, and one for the answers.
        let missing: u64 = missing.iter().map(|size| size / PART + 2).sum();
        arrived + left + missing < MAX_PARTS
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_cut_takes_room_until_the_deposit_is_made() {
        let offered = json!({"statement_jws": "", "evidence": null, "root_fingerprint": "00".repeat(32)});
        let draft = Draft {
            dossier: DossierId::random(),
            scheme: SchemeId::random(),
            recipient: serde_json::from_value(offered).unwrap(),
            arrived: BTreeMap::new(),
            under_way: vec![],
            manifest: None,
        };
        assert!(draft.has_room(0, &[8 << 30]));
        assert!(!draft.has_room(1000, &[8 << 30]));
        assert!(draft.has_room(4000, &[4 << 30]));
    }
}
