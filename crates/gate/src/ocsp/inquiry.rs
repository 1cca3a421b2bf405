//! What a guard asks of responders.

use std::sync::Arc;

use sceau_pki::{Certificate, Heard, Online, Preferred, RevocationLists, Unasked};

use super::{
    answers::{Answers, Key, Question},
    call::Manner,
    kept::Kept,
};

/// Whom a guard asks, how, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Inquiry {
    manner: Manner,
    preferred: Preferred,
    answers: Arc<Answers>,
    kept: Arc<Kept>,
}

impl Inquiry {
    pub(crate) fn new(
        (manner, preferred): (Manner, Preferred),
        answers: Arc<Answers>,
        kept: Arc<Kept>,
    ) -> Self {
        Self { manner, preferred, answers, kept }
    }

    pub(crate) fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Whether the responder is asked before the list is.
    pub(crate) fn is_first(&self) -> bool {
        matches!(self.preferred, Preferred::Ocsp)
    }

    /// Grows when verdicts that rest on an answer must be reached again.
    pub(crate) fn epoch(&self) -> u64 {
        self.answers.revocations()
    }

    /// What is known, for a judgement at `now` (Unix milliseconds) beside these lists.
    pub(crate) fn heard(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        lists: &RevocationLists,
        now: u64,
    ) -> Heard {
        match self.question(certificate, issuer, lists) {
            Some(question) => self.answers.heard(&question, now),
            // It names no responder, and the file none either.
            None => Heard::Nothing { ended: None, again: u64::MAX },
        }
    }

    /// As the judge wants it.
    pub(crate) fn online<'a>(&self, heard: &'a dyn Fn(&Certificate, &Certificate) -> Heard) -> Online<'a> {
        Online { preferred: self.preferred, heard }
    }

    /// Asks about a certificate whose whole chain was believed, and waits for what comes of it.
    pub(crate) async fn ask(&self, unasked: &Unasked, lists: &RevocationLists) {
        if let Some(question) = self.question(&unasked.certificate, &unasked.issuer, lists) {
            self.answers.ask(&question).await;
        }
    }

    fn question(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        lists: &RevocationLists,
    ) -> Option<Question> {
        let responder = self.manner.address(certificate)?;
        let key = Key { certificate: certificate.fingerprint(), manner: self.manner.clone() };
        Some(Question {
            key,
            responder,
            certificate: certificate.clone(),
            issuer: issuer.clone(),
            lists: lists.clone(),
            kept: Arc::clone(&self.kept),
        })
    }
}
