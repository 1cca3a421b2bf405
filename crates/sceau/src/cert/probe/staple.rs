//! What a server hands out with its certificate (OCSP stapling), in words.

use sceau_pki::{
    Certificate, CertificateFacts, OcspAnswer, OcspQuestion, OcspRefusal, OcspStatus, OcspTerms,
};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{State, Step};
use crate::cert::ocsp::words;
use crate::say;

/// id-pe-tlsfeature (RFC 7633), whose one use is to demand a response.
const MUST_STAPLE: &str = "1.3.6.1.5.5.7.1.24";

/// None where neither the server nor its certificate speaks of it.
pub(super) fn step(shown: &[CertificateDer<'_>], response: Option<&[u8]>, now: u64) -> Option<Step> {
    let read = |der: &CertificateDer<'_>| Certificate::from_der(der, "the server's certificate").ok();
    let (leaf, issuer) = (shown.first().and_then(read)?, shown.get(1).and_then(read));
    let facts = CertificateFacts::of(&leaf).ok()?;
    let Some(response) = response else {
        return none(&facts);
    };
    let question = issuer.and_then(|issuer| OcspQuestion::new(&leaf, &issuer).ok());
    Some(match question.map(|question| question.judge(response, OcspTerms::default(), now)) {
        None => Step::new(
            "staple",
            State::Notice,
            "it hands out an OCSP response, and not its issuer's certificate",
        )
        .but("the partner's server must send the intermediate certificate"),
        Some(Ok(answer)) => believed(&answer),
        Some(Err(refusal)) => unbelieved(&refusal),
    })
}

fn none(facts: &CertificateFacts) -> Option<Step> {
    let demanded = facts.others.iter().any(|other| other.oid == MUST_STAPLE);
    if demanded {
        let found = "it hands out no OCSP response, which its certificate demands (must-staple)";
        return Some(
            Step::new("staple", State::Notice, found)
                .but("clients that look turn away: the partner mends it"),
        );
    }
    (!facts.ocsp.is_empty()).then(|| Step::new("staple", State::Notice, "it hands out no OCSP response"))
}

fn believed(answer: &OcspAnswer) -> Step {
    let found = format!("its OCSP response says {}, until {}", words(answer.status), say::day(answer.until));
    match answer.status {
        OcspStatus::Good => Step::well("staple", found),
        OcspStatus::Unknown => Step::new("staple", State::Notice, found),
        OcspStatus::Revoked { .. } => {
            Step::new("staple", State::Refused, found).but("the partner has to install another certificate")
        }
    }
}

fn unbelieved(refusal: &OcspRefusal) -> Step {
    let found = format!("its OCSP response is not believed: {refusal} ({})", refusal.code());
    Step::new("staple", State::Notice, found).but("clients that look turn away: the partner mends it")
}
