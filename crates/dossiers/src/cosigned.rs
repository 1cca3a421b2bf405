//! The last checkpoint that witnesses cosigned, handed in by whoever asks them, and evidence under it.

use std::sync::{Arc, PoisonError, RwLock};

use sceau_trace::{Evidence, SignedCheckpoint, VerifiedCheckpoint};

use crate::Dossiers;
use crate::fault::Fault;

/// Where that checkpoint is found, once there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Cosigned(Arc<RwLock<Option<Arc<VerifiedCheckpoint>>>>);

impl Cosigned {
    /// Shows this one from now on. It was verified, and met the policy of who put it here.
    pub fn show(&self, checkpoint: VerifiedCheckpoint) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(checkpoint));
    }

    /// The last one.
    pub fn latest(&self) -> Option<Arc<VerifiedCheckpoint>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Dossiers {
    /// Says where to find what witnesses cosigned.
    #[must_use]
    pub fn with_cosigned(self, cosigned: Cosigned) -> Self {
        Self { cosigned, ..self }
    }

    /// The log's last checkpoint: with the lines of witnesses, where they cosigned this very one.
    ///
    /// # Errors
    /// When the element does not answer.
    pub(crate) async fn checkpoint(&self) -> Result<String, Fault> {
        let note = self.element().checkpoint().await?;
        let Some(cosigned) = self.cosigned.latest() else { return Ok(note) };
        let same =
            SignedCheckpoint::parse(&note).is_ok_and(|last| last.note().text() == cosigned.note().text());
        Ok(if same { cosigned.note().to_string() } else { note })
    }

    /// The evidence under the checkpoint that witnesses cosigned, where that has the entry; else as it is.
    ///
    /// # Errors
    /// When the element does not answer, or its proof does not hold.
    pub(crate) async fn witnessed(&self, evidence: Evidence) -> Result<Evidence, Fault> {
        let cosigned = self.cosigned.latest().filter(|cosigned| evidence.index() < cosigned.size());
        let Some(checkpoint) = cosigned else { return Ok(evidence) };
        let proof = self.element().inclusion_proof(evidence.index(), checkpoint.size()).await?;
        evidence.under(proof, &checkpoint).map_err(|_| sceau_accounts::Code::ElementAnswer.into())
    }
}
