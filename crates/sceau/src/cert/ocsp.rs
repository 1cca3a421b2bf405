//! What a responder says of one certificate, asked once, and in words.

use std::time::Duration;

use sceau_pki::{
    Certificate, CertificateFacts, OcspAnswer, OcspNonce, OcspQuestion, OcspRefusal, OcspStatus, OcspTerms,
    RevocationLists,
};
use url::Url;

use super::web;
use crate::say;

/// More than any answer.
const LONGEST: usize = 64 << 10;
/// How long a responder may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of a question.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where the responder is.
    pub(super) from: String,
    pub(super) about: Certificate,
    pub(super) answer: Result<OcspAnswer, Unanswered>,
}

/// Why there is no answer: a stable code, and words.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) code: &'static str,
    pub(super) words: String,
}

/// Asks where the certificate says that its responder is; none where it names none that is reached over HTTP.
pub(super) fn ask(certificate: &Certificate, issuer: &Certificate, lists: &RevocationLists) -> Option<Asked> {
    let (from, url) = place(certificate)?;
    let answer = answer(url, certificate, issuer, lists);
    Some(Asked { from, about: certificate.clone(), answer })
}

fn place(certificate: &Certificate) -> Option<(String, Url)> {
    let places = CertificateFacts::of(certificate).ok()?.ocsp;
    places.into_iter().find_map(|place| {
        let url = Url::parse(&place).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some((place, url))
    })
}

fn answer(
    url: Url,
    certificate: &Certificate,
    issuer: &Certificate,
    lists: &RevocationLists,
) -> Result<OcspAnswer, Unanswered> {
    let unmade = |error: sceau_pki::Error| Unanswered { code: error.code(), words: error.to_string() };
    let question = OcspQuestion::new(certificate, issuer).map_err(unmade)?;
    let question = question.with_nonce(OcspNonce::random().map_err(unmade)?);
    let sent = Some(("application/ocsp-request", question.to_der()));
    let response = web::fetch(url, sent, LONGEST, PATIENCE);
    let response = response.map_err(|words| Unanswered { code: "ocsp_away", words })?;
    let terms = OcspTerms { lists: Some(lists), ..OcspTerms::default() };
    question.judge(&response, terms, super::now()).map_err(|refusal| unbelieved(&refusal))
}

fn unbelieved(refusal: &OcspRefusal) -> Unanswered {
    Unanswered { code: refusal.code(), words: refusal.to_string() }
}

/// A certificate's state.
pub(super) fn words(status: OcspStatus) -> String {
    match status {
        OcspStatus::Good => "good".to_owned(),
        OcspStatus::Unknown => "unknown".to_owned(),
        OcspStatus::Revoked { at, reason } => format!("revoked on {} ({})", say::day(at), reason.as_str()),
    }
}
