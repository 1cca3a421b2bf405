//! The last checkpoint that witnesses cosigned, handed in by whoever asks them, and evidence under it.

use std::sync::{Arc, PoisonError, RwLock};

use sceau_trace::{Evidence, SignedCheckpoint, VerifiedCheckpoint};

use crate::Dossiers;
use crate::fault::Fault;

/// Where that checkpoint is found, once there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Cosigned(Arc<RwLock<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    /// The policy of whoever asks the witnesses.
    policy: Option<Arc<str>>,
    cosigned: Option<Arc<VerifiedCheckpoint>>,
    /// The authorities (PEM) that vouch for who stamps checkpoints.
    stamp_anchors: Option<Arc<str>>,
    /// The last one that was time-stamped, with the token (base64).
    stamped: Option<Arc<(VerifiedCheckpoint, String)>>,
}

impl Cosigned {
    /// Where what meets this policy (C2SP tlog-policy, as anybody may read it) will be found.
    #[must_use]
    pub fn under(policy: &str) -> Self {
        let policy = Some(policy.into());
        Self(Arc::new(RwLock::new(Shown { policy, ..Shown::default() })))
    }

    /// The policy that they meet.
    pub fn policy(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).policy.clone()
    }

    /// Shows this one from now on. It was verified, and met the policy of who put it here.
    pub fn show(&self, checkpoint: VerifiedCheckpoint) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).cosigned = Some(Arc::new(checkpoint));
    }

    /// The last one.
    pub fn latest(&self) -> Option<Arc<VerifiedCheckpoint>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).cosigned.clone()
    }

    /// Says which authorities (PEM, certificates alone) vouch for the time stamps that will be shown.
    pub fn show_stamp_anchors(&self, pem: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).stamp_anchors = Some(pem.into());
    }

    /// Those authorities, where checkpoints are stamped.
    pub fn stamp_anchors(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).stamp_anchors.clone()
    }

    /// Shows this one with its time stamp (RFC 3161, base64) from now on; both were verified.
    pub fn show_stamped(&self, checkpoint: VerifiedCheckpoint, token: String) {
        let stamped = Some(Arc::new((checkpoint, token)));
        self.0.write().unwrap_or_else(PoisonError::into_inner).stamped = stamped;
    }

    /// The last one that was stamped.
    fn stamped(&self) -> Option<Arc<(VerifiedCheckpoint, String)>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).stamped.clone()
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

    /// The evidence under the checkpoint that was time-stamped, with the stamp, where that has the entry; else under the one that witnesses cosigned; else as it is.
    ///
    /// # Errors
    /// When the element does not answer, or its proof does not hold.
    pub(crate) async fn witnessed(&self, evidence: Evidence) -> Result<Evidence, Fault> {
        if let Some(stamped) = self.cosigned.stamped().filter(|it| evidence.index() < it.0.size()) {
            let (checkpoint, token) = &*stamped;
            let evidence = self.under(evidence, checkpoint).await?;
            return Ok(evidence.attach(Evidence::TIME_STAMPS, serde_json::json!([token])));
        }
        let cosigned = self.cosigned.latest().filter(|cosigned| evidence.index() < cosigned.size());
        let Some(checkpoint) = cosigned else { return Ok(evidence) };
        self.under(evidence, &checkpoint).await
    }

    async fn under(&self, evidence: Evidence, checkpoint: &VerifiedCheckpoint) -> Result<Evidence, Fault> {
        let proof = self.element().inclusion_proof(evidence.index(), checkpoint.size()).await?;
        evidence.under(proof, checkpoint).map_err(|_| sceau_accounts::Code::ElementAnswer.into())
    }
}
