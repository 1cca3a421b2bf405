//! Whether an authority that is trusted vouches for who signed a document, as of a moment. Pure: chain, lists, answers and times are passed in.

use rustls::pki_types::CertificateDer;

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    chain::DEPTH_MAX,
    judge::Refusal,
    ocsp::{OcspQuestion, OcspStatus, OcspTerms},
    path::{self, Holder, Question},
    revocation::{RevocationList, RevocationLists, Status},
};

/// The most answers of responders that are looked at.
const ANSWERS: usize = 64;

/// Judges signers of documents.
#[derive(Clone, Debug)]
pub struct SignatoryJudge {
    anchors: Anchors,
    lists: RevocationLists,
    /// Answers of responders (OCSP), DER.
    answers: Vec<Vec<u8>>,
}

/// An authority vouches for a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouching {
    /// The one that is trusted.
    pub anchor: Certificate,
    /// The signer's certificate, then each above it below the anchor.
    pub path: Vec<Certificate>,
    /// Whether a list or an answer says of each certificate of the way that it was not taken back. Else it is not known.
    pub unrevoked: bool,
}

impl SignatoryJudge {
    /// Who trusts these anchors, and knows of no revocation.
    pub fn new(anchors: Anchors) -> Self {
        Self { anchors, lists: RevocationLists::default(), answers: Vec::new() }
    }

    /// Who also asks these lists, and these answers of responders.
    #[must_use]
    pub fn asking(mut self, lists: RevocationLists, answers: Vec<Vec<u8>>) -> Self {
        self.lists = self.lists.and(lists);
        self.answers.extend(answers);
        self.answers.truncate(ANSWERS);
        self
    }

    /// Judges the signer of something that existed `at` that moment, knowing what is known `now` (Unix milliseconds). `brought` are certificates that may stand between.
    ///
    /// # Errors
    /// [`Refusal`]. Whoever was taken back is refused whenever that was: when is not looked at.
    pub fn judge(
        &self,
        signer: &Certificate,
        brought: &[Certificate],
        at: u64,
        now: u64,
    ) -> Result<Vouching, Refusal> {
        let question = Question {
            anchors: &self.anchors,
            lists: None,
            now: at,
            grace: 0,
            online: None,
            holder: Holder::Signatory,
            depth: DEPTH_MAX,
        };
        let between: Vec<CertificateDer<'_>> = brought.iter().map(|it| it.der().clone()).collect();
        let way = path::verify(question, signer, &between)?;
        let usage = signer.parsed().map_err(|_| Refusal::Malformed)?;
        let usage = usage.key_usage().map_err(|_| Refusal::Malformed)?;
        if usage.is_some_and(|usage| !usage.value.digital_signature() && !usage.value.non_repudiation()) {
            return Err(Refusal::WrongPurpose);
        }
        let read =
            |der: &CertificateDer<'_>| Certificate::from_der(der, "a chain").map_err(|_| Refusal::Malformed);
        let path = way.certificates.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut unrevoked = true;
        for (place, certificate) in path.iter().enumerate() {
            let issuer = path.get(place + 1).unwrap_or(&way.anchor);
            unrevoked &= self.is_good(certificate, issuer, place > 0, (at, now))?;
        }
        Ok(Vouching { anchor: way.anchor, path, unrevoked })
    }

    /// Whether somebody says that it was not taken back.
    fn is_good(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        is_authority: bool,
        (at, now): (u64, u64),
    ) -> Result<bool, Refusal> {
        let mut good = false;
        for list in self.lists.iter() {
            let alone: RevocationLists = [list.clone()].into_iter().collect();
            // What was said before is as good as what was said then, while it held; what was said since is better.
            let moment = RevocationList::this_update(list).max(at);
            if moment <= now {
                match path::status(&alone, certificate, issuer, is_authority, moment)? {
                    Status::Good { .. } => good = true,
                    Status::Revoked => return Err(Refusal::Revoked),
                    Status::Unknown { .. } => {}
                }
            }
        }
        let Ok(question) = OcspQuestion::new(certificate, issuer) else { return Ok(good) };
        let terms = OcspTerms { lists: Some(&self.lists), nonce_demanded: false };
        for answer in &self.answers {
            match question.judge_kept(answer, terms, at, now).map(|answer| answer.status) {
                Ok(OcspStatus::Good) => good = true,
                Ok(OcspStatus::Revoked { .. }) => return Err(Refusal::Revoked),
                Ok(OcspStatus::Unknown) | Err(_) => {}
            }
        }
        Ok(good)
    }
}
