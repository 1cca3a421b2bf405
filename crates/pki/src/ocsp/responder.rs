//! Answers of an authority of one's own.

use super::{BASIC, NO_CHECK, OcspFailure, OcspRequest, OcspStatus, id::Issuer, id::key_hash, nonce};
use crate::{
    authority::{Authority, moment},
    certificate::Certificate,
    der::{self, tag},
    error::Error,
    extension,
    held::{self, CertificateKey},
    issued::Issued,
    key::KeyAlgorithm,
    name::Name,
    oid::Oid,
};

/// Who answers in an authority's name, under a certificate and a key of its own: whoever takes these has no authority in hand, and not for long.
#[derive(Debug)]
pub struct OcspResponder {
    issuer: Certificate,
    named: Issuer,
    own: Issued,
}

impl<K: CertificateKey> Authority<K> {
    /// Makes a responder whose certificate is valid for so many days from `now` (Unix milliseconds), and about which nobody need ask
    /// (`id-pkix-ocsp-nocheck`, RFC 6960 §4.2.2.2.1).
    ///
    /// # Errors
    /// [`Error::BadValidity`], [`Error::AuthorityNotValid`], [`Error::Crypto`].
    pub fn ocsp_responder(&self, days: u32, now: u64) -> Result<OcspResponder, Error> {
        let name = Name::default().with(Oid::COMMON_NAME, "OCSP");
        let extensions = vec![
            extension::key_usage(extension::DIGITAL_SIGNATURE),
            extension::extended_key_usage(&Oid::literal(super::OCSP_SIGNING)),
            extension::extension(&Oid::literal(NO_CHECK), false, &der::tlv(tag::NULL, &[])),
        ];
        let own = self.issue_with(name, KeyAlgorithm::EcdsaP256, extensions, days, now)?;
        let issuer = self.certificate().clone();
        Ok(OcspResponder { named: Issuer::of(&issuer)?, issuer, own })
    }
}

impl OcspResponder {
    /// Until when its certificate is valid (Unix milliseconds).
    pub fn not_after(&self) -> u64 {
        self.own.certificate().not_after()
    }

    /// Whose certificates it speaks of.
    pub fn issuer(&self) -> &Certificate {
        &self.issuer
    }

    /// The response (DER) at `now`, holding until `until` (Unix milliseconds both), by what `status` says of a serial number (as a certificate
    /// has it).
    ///
    /// # Errors
    /// [`Error::Crypto`], [`Error::BadTime`].
    pub fn answer(
        &self,
        request: &OcspRequest,
        status: impl Fn(&[u8]) -> OcspStatus,
        now: u64,
        until: u64,
    ) -> Result<Vec<u8>, Error> {
        if !request.ids().any(|id| id.is_of(&self.named)) {
            return Ok(OcspFailure::Unauthorised.to_der());
        }
        let (from, until) =
            (der::tlv(tag::GENERALIZED_TIME, &der::generalized(moment(now)?)), moment(until)?);
        let until = der::context(0, &der::tlv(tag::GENERALIZED_TIME, &der::generalized(until)));
        let singles = request.ids().map(|id| {
            let said = if id.is_of(&self.named) { status(id.serial) } else { OcspStatus::Unknown };
            Ok(der::sequence(&[id.whole.to_vec(), cert_status(said)?, from.clone(), until.clone()]))
        });
        let singles = singles.collect::<Result<Vec<_>, Error>>()?;
        let responder = der::context(2, &der::tlv(tag::OCTET_STRING, &key_hash(self.own.certificate())?));
        let mut parts = vec![responder, from.clone(), der::sequence(&singles)];
        if let Some(nonce) = request.nonce() {
            parts.push(der::context(1, &der::sequence(&[nonce::extension(nonce)])));
        }
        let data = der::sequence(&parts);
        let signature = der::bit_string(&held::sign(self.own.key(), &data)?);
        let brought = der::context(0, &der::sequence(&[self.own.certificate().der().to_vec()]));
        let basic = der::sequence(&[data, held::signature_algorithm(self.own.key()), signature, brought]);
        let bytes = der::sequence(&[der::tlv(tag::OID, BASIC), der::tlv(tag::OCTET_STRING, &basic)]);
        Ok(der::sequence(&[der::tlv(tag::ENUMERATED, &[0]), der::context(0, &bytes)]))
    }
}

fn cert_status(status: OcspStatus) -> Result<Vec<u8>, Error> {
    Ok(match status {
        OcspStatus::Good => der::context_primitive(0, &[]),
        OcspStatus::Unknown => der::context_primitive(2, &[]),
        OcspStatus::Revoked { at, reason } => {
            let at = der::tlv(tag::GENERALIZED_TIME, &der::generalized(moment(at)?));
            let reason = reason.number().map(|number| der::context(0, &der::tlv(tag::ENUMERATED, &[number])));
            der::context(1, &[at, reason.unwrap_or_default()].concat())
        }
    })
}
