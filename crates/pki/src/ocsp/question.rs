//! What is asked of a responder about one certificate, and the answer that is believed.

use super::{
    OcspHash, OcspNonce, OcspRefusal,
    id::Issuer,
    nonce,
    response::{OcspStatus, Response, Single},
    signer::{self, OcspSigner},
};
use crate::{certificate::Certificate, der, error::Error, revocation::RevocationLists};

/// How far a responder's clock may run before ours (milliseconds).
pub const OCSP_SKEW: u64 = 5 * 60_000;
/// How long an answer holds that does not say when another is due: its responder means that newer ones can be had at any time (RFC 6960 §2.4).
const WITHOUT_END: u64 = 5 * 60_000;

/// A question about one certificate.
#[derive(Clone, Debug)]
pub struct OcspQuestion {
    certificate: Vec<u8>,
    issuer: Certificate,
    named: Issuer,
    hash: OcspHash,
    nonce: Option<OcspNonce>,
}

/// How an answer is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct OcspTerms<'a> {
    /// Where a responder's own certificate is looked for, unless its issuer exempts it (`id-pkix-ocsp-nocheck`).
    pub lists: Option<&'a RevocationLists>,
    /// Whether an answer must have the question's nonce. Else one without any is taken too, since many responders make theirs ahead.
    pub nonce_demanded: bool,
}

/// What a responder says, believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspAnswer {
    /// Of the certificate.
    pub status: OcspStatus,
    /// When that was true (Unix milliseconds).
    pub this_update: u64,
    /// Until when it holds (Unix milliseconds, not included).
    pub until: u64,
    /// Who signed it.
    pub signer: OcspSigner,
    /// Whether it was made for this question.
    pub has_our_nonce: bool,
}

impl OcspQuestion {
    /// About a certificate of this issuer, which the caller knows to be that.
    ///
    /// # Errors
    /// [`Error::AnotherIssuer`].
    pub fn new(certificate: &Certificate, issuer: &Certificate) -> Result<Self, Error> {
        if certificate.issuer() != issuer.subject() {
            return Err(Error::AnotherIssuer { subject: certificate.subject().to_string() });
        }
        let serial = certificate.parsed()?.raw_serial().to_vec();
        let (named, issuer) = (Issuer::of(issuer)?, issuer.clone());
        Ok(Self { certificate: serial, issuer, named, hash: OcspHash::default(), nonce: None })
    }

    /// The same, to be answered for this question only.
    #[must_use]
    pub fn with_nonce(self, nonce: OcspNonce) -> Self {
        Self { nonce: Some(nonce), ..self }
    }

    /// The same, the issuer named by this hash.
    #[must_use]
    pub fn named_by(self, hash: OcspHash) -> Self {
        Self { hash, ..self }
    }

    /// The OCSPRequest (RFC 6960 §4.1.1), DER.
    pub fn to_der(&self) -> Vec<u8> {
        let id = self.named.names(&self.certificate, self.hash);
        let mut parts = vec![der::sequence(&[der::sequence(&[id])])];
        if let Some(nonce) = &self.nonce {
            parts.push(der::context(2, &der::sequence(&[nonce::extension(nonce.octets())])));
        }
        der::sequence(&[der::sequence(&parts)])
    }

    /// Judges a response at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`OcspRefusal`]: it says nothing.
    pub fn judge(&self, response: &[u8], terms: OcspTerms<'_>, now: u64) -> Result<OcspAnswer, OcspRefusal> {
        let response = Response::read(response)?;
        let (signer, signer_until) = signer::of(&response, &self.issuer, terms.lists, now)?;
        let ours =
            |single: &&Single<'_>| single.id.is_of(&self.named) && single.id.serial == self.certificate;
        let single = response.singles.iter().filter(ours).max_by_key(|single| single.status);
        let single = single.ok_or(OcspRefusal::AnotherCertificate)?;
        let has_our_nonce = match (&self.nonce, response.nonce) {
            (Some(asked), Some(answered)) if asked.octets() == answered => true,
            (Some(_), Some(_)) => return Err(OcspRefusal::AnotherNonce),
            (_, None) if terms.nonce_demanded => return Err(OcspRefusal::NoNonce),
            _ => false,
        };
        let until = single.next_update.unwrap_or(single.this_update.saturating_add(WITHOUT_END));
        if single.this_update > now.saturating_add(OCSP_SKEW) {
            return Err(OcspRefusal::Future);
        }
        if until <= now {
            return Err(OcspRefusal::Expired);
        }
        let (status, this_update) = (single.status, single.this_update);
        Ok(OcspAnswer { status, this_update, until: until.min(signer_until), signer, has_our_nonce })
    }

    /// As [`Self::judge`], of a response that was kept beside something that existed `at` that moment: at the first moment from then to `now` when it spoke.
    ///
    /// # Errors
    /// [`OcspRefusal`]: it says nothing.
    pub fn judge_kept(
        &self,
        response: &[u8],
        terms: OcspTerms<'_>,
        at: u64,
        now: u64,
    ) -> Result<OcspAnswer, OcspRefusal> {
        let begins = Response::read(response)?.singles.iter().map(|single| single.this_update).max();
        let moment = begins.unwrap_or_default().max(at);
        if moment > now.saturating_add(OCSP_SKEW) {
            return Err(OcspRefusal::Future);
        }
        self.judge(response, terms, moment)
    }
}
