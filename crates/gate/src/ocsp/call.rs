//! One question to a responder: bounded in size and time, over a connection that ends with it.

use std::{io, time::Duration};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, HeaderValue},
};
use sceau_pki::{
    Certificate, CertificateFacts, OcspAnswer, OcspNonce, OcspQuestion, OcspRefusal, OcspTerms,
    RevocationLists,
};

use super::{kept::Response, settings};
use crate::{clock::now, question};

/// More than any answer.
const LONGEST: usize = 64 << 10;

/// Whom to ask, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Manner {
    /// None: whom the certificate names.
    pub(crate) responder: Option<Uri>,
    pub(crate) deadline: Duration,
    pub(crate) nonce: Nonce,
}

/// Whether a question is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Nonce {
    /// An answer without it is taken too, one with another is not.
    Sent,
    /// Answers must have it.
    Demanded,
    /// No, so that caches may answer.
    None,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("it does not answer in time")]
    TooSlow,
    #[error("it cannot be reached: {0}")]
    Unreachable(io::Error),
    #[error("it does not speak HTTP, or stopped amid its answer: {0}")]
    Broken(hyper::Error),
    #[error("it answers {0}, and redirections are not followed")]
    Status(StatusCode),
    #[error("the question cannot be asked: {0}")]
    Question(#[from] sceau_pki::Error),
    #[error("{0}")]
    Refused(#[from] OcspRefusal),
}

impl From<question::Unanswered> for Unanswered {
    fn from(unanswered: question::Unanswered) -> Self {
        match unanswered {
            question::Unanswered::Unreachable(cause) => Self::Unreachable(cause),
            question::Unanswered::Broken(cause) => Self::Broken(cause),
            question::Unanswered::TooLarge(_) => Self::Refused(OcspRefusal::TooLarge),
        }
    }
}

impl Unanswered {
    /// The stable code, for the log and for metrics.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::TooSlow => "ocsp_too_slow",
            Self::Unreachable(_) => "ocsp_away",
            Self::Broken(_) => "ocsp_broken",
            Self::Status(_) => "ocsp_status",
            Self::Question(_) => "ocsp_question",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl Manner {
    /// Who is asked about a certificate; none where nobody can be.
    pub(crate) fn address(&self, certificate: &Certificate) -> Option<Uri> {
        self.responder.clone().or_else(|| {
            let named = CertificateFacts::of(certificate).ok()?.ocsp;
            named.iter().find_map(|text| settings::http_address(text))
        })
    }

    /// Asks there about a certificate of this issuer, which is known to be that. The answer, and the response that says it.
    pub(super) async fn ask(
        &self,
        responder: &Uri,
        certificate: &Certificate,
        issuer: &Certificate,
        lists: &RevocationLists,
    ) -> Result<(OcspAnswer, Response), Unanswered> {
        let mut question = OcspQuestion::new(certificate, issuer)?;
        let nonce = if self.nonce == Nonce::None { None } else { Some(OcspNonce::random()?) };
        if let Some(nonce) = nonce {
            question = question.with_nonce(nonce);
        }
        let response = tokio::time::timeout(self.deadline, call(responder, question.to_der())).await;
        let response = response.map_err(|_| Unanswered::TooSlow)??;
        let answer = question.judge(&response, self.terms(lists), now())?;
        let nonce = nonce.filter(|_| answer.has_our_nonce);
        Ok((answer, Response { nonce, der: response.to_vec() }))
    }

    /// Judges at `now` (Unix milliseconds) a response that was kept, as one that comes from the responder.
    pub(super) fn judge(
        &self,
        kept: &Response,
        certificate: &Certificate,
        issuer: &Certificate,
        lists: &RevocationLists,
        now: u64,
    ) -> Result<OcspAnswer, Unanswered> {
        let mut question = OcspQuestion::new(certificate, issuer)?;
        if let Some(nonce) = kept.nonce {
            question = question.with_nonce(nonce);
        }
        Ok(question.judge(&kept.der, self.terms(lists), now)?)
    }

    fn terms<'a>(&self, lists: &'a RevocationLists) -> OcspTerms<'a> {
        OcspTerms { lists: Some(lists), nonce_demanded: self.nonce == Nonce::Demanded }
    }
}

async fn call(responder: &Uri, question: Vec<u8>) -> Result<Bytes, Unanswered> {
    let kind = HeaderValue::from_static("application/ocsp-request");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
    let answer = question::ask(responder, Method::POST, headers, Bytes::from(question)).await?;
    if answer.status != StatusCode::OK {
        return Err(Unanswered::Status(answer.status));
    }
    Ok(answer.body(LONGEST).await?)
}
