//! Whether a caller may pass by its certificate: the chain, then whose name it is. Pure: chain and time are passed in.

use rustls::pki_types::CertificateDer;

use crate::{
    anchors::Anchors,
    chain::ChainJudge,
    judge::{ClientIdentity, Refusal},
    rule::SubjectRule,
};

/// Judges callers: [`ChainJudge`], and whom of those that it vouches for.
#[derive(Clone, Debug)]
pub struct CallerJudge {
    chain: ChainJudge,
    /// None: whoever the chain vouches for.
    names: Option<Vec<SubjectRule>>,
}

impl CallerJudge {
    /// One who lets everybody pass for whom this chain vouches.
    pub fn new(chain: ChainJudge) -> Self {
        Self { chain, names: None }
    }

    /// Who lets these pass and nobody else.
    #[must_use]
    pub fn permitting(mut self, names: Vec<SubjectRule>) -> Self {
        self.names = Some(names);
        self
    }

    /// The anchors trusted.
    pub fn anchors(&self) -> &Anchors {
        self.chain.anchors()
    }

    /// As [`ChainJudge::judge`], and by the subject's name.
    ///
    /// # Errors
    /// As [`ChainJudge::judge`]; [`Refusal::UnknownClient`].
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>, now: u64) -> Result<ClientIdentity, Refusal> {
        let identity = self.chain.judge(chain, now)?;
        let is_named = |names: &Vec<SubjectRule>| names.iter().any(|name| name.permits(&identity.subject));
        if self.names.as_ref().is_none_or(is_named) { Ok(identity) } else { Err(Refusal::UnknownClient) }
    }
}
