//! Holders' certificates: one file for each keyring, which the operator puts there, and which must lead to the authority that the element's administrator named, or to one outside that the operator did.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_element_api::KeyringId;
use sceau_pki::{Anchors, Certificate, SignatoryJudge, SignatureKind};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::algorithms;

/// The longest file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {why}")]
    Other {
        /// Which.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
}

impl CredentialError {
    /// Why, without the path, which names a keyring.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::File { cause, .. } => cause.to_string(),
            Self::Other { why, .. } => (*why).to_owned(),
        }
    }
}

/// A holder's certificate, and those above it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The keyring, whose id is the credential's.
    pub keyring: KeyringId,
    /// The holder's.
    pub certificate: Certificate,
    /// Those above it.
    pub above: Vec<Certificate>,
    /// How its key signs.
    pub kind: SignatureKind,
}

/// The files.
#[derive(Debug, Clone)]
pub struct Credentials {
    folder: PathBuf,
    authority: Certificate,
    outside: Option<SignatoryJudge>,
}

impl Credentials {
    /// Those in this folder, of this authority: `KEYRING.pem`, the holder's certificate first.
    #[must_use]
    pub fn new(folder: PathBuf, authority: Certificate) -> Self {
        Self { folder, authority, outside: None }
    }

    /// Besides, those that lead to these anchors of authorities outside: the file then has all that stand between, too.
    #[must_use]
    pub fn and_outside(self, anchors: Anchors) -> Self {
        Self { outside: Some(SignatoryJudge::new(anchors)), ..self }
    }

    /// The credential of a keyring, where there is one.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn of(&self, keyring: KeyringId) -> Result<Option<Credential>, CredentialError> {
        let path = self.folder.join(format!("{keyring}.pem"));
        let Some(text) = read(&path)? else { return Ok(None) };
        let other = |why| CredentialError::Other { path: path.clone(), why };
        let all = Certificate::all_from_pem(&text, &path.display().to_string());
        let mut all = all.map_err(|_| other("these are not certificates in PEM"))?.into_iter();
        let certificate = all.next().ok_or_else(|| other("it has no certificate"))?;
        let embedded =
            certificate.issuer() == self.authority.subject() && certificate.is_signed_by(&self.authority);
        let above = match &self.outside {
            _ if embedded => vec![self.authority.clone()],
            None => return Err(other("the first certificate is not of the element's authority")),
            Some(judge) => {
                // As of when it was issued: whether it has ended is said of it apart.
                let (brought, at) = (all.collect::<Vec<_>>(), certificate.not_before());
                let vouching = judge.judge(&certificate, &brought, at, at);
                let vouching = vouching.map_err(|_| {
                    other("the first certificate leads neither to the element's authority nor to an anchor of those outside")
                })?;
                vouching.path.into_iter().skip(1).collect()
            }
        };
        let kind = SignatureKind::of(&certificate).ok_or_else(|| other("its key signs no documents here"))?;
        Ok(Some(Credential { keyring, certificate, above, kind }))
    }
}

fn read(path: &Path) -> Result<Option<String>, CredentialError> {
    let failed = |cause| CredentialError::File { path: path.to_owned(), cause };
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
        Ok(file) if file.len() > LONGEST => {
            return Err(CredentialError::Other { path: path.to_owned(), why: "it is too long" });
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(failed)
}

/// What of a credential is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// `none`, `single` or `chain`.
    pub(crate) certificates: &'static str,
    pub(crate) certificate_facts: bool,
    pub(crate) authorisation: bool,
}

impl Credential {
    /// Whether its certificate is in its validity.
    pub(crate) fn is_valid(&self, now: u64) -> bool {
        (self.certificate.not_before()..=self.certificate.not_after()).contains(&now)
    }

    /// As `credentials/info` tells it (section 11.5).
    pub(crate) fn told(&self, wanted: Wanted, most: usize, now: u64) -> Value {
        let valid = self.is_valid(now);
        let facts = sceau_pki::key_facts(&self.certificate.public_key_info());
        let mut key = json!({
            "status": if valid { "enabled" } else { "disabled" },
            "algo": algorithms::of(self.kind),
            "len": facts.bits,
        });
        let mut certificate = json!({"status": if valid { "valid" } else { "expired" }});
        let with = |value: &mut Value, name: &str, member: Value| {
            if let Some(members) = value.as_object_mut() {
                members.insert(name.to_owned(), member);
            }
        };
        if self.kind == SignatureKind::EcdsaP256 {
            with(&mut key, "curve", algorithms::P256.into());
        }
        let der = |one: &Certificate| STANDARD.encode(one.der());
        match wanted.certificates {
            "none" => {}
            "single" => with(&mut certificate, "certificates", json!([der(&self.certificate)])),
            _ => {
                let all: Vec<_> = std::iter::once(&self.certificate).chain(&self.above).map(der).collect();
                with(&mut certificate, "certificates", json!(all));
            }
        }
        if wanted.certificate_facts {
            with(&mut certificate, "issuerDN", self.certificate.issuer().to_string().into());
            with(&mut certificate, "subjectDN", self.certificate.subject().to_string().into());
            with(&mut certificate, "serialNumber", self.certificate.serial().replace(':', "").into());
            with(&mut certificate, "validFrom", generalised(self.certificate.not_before()).into());
            with(&mut certificate, "validTo", generalised(self.certificate.not_after()).into());
        }
        let mut auth = json!({"mode": "explicit"});
        if wanted.authorisation {
            with(&mut auth, "expression", TERMINAL.into());
            let object = json!({
                "type": "ChallengeResponseOOB", "id": TERMINAL, "label": "Terminal",
                "description": "The holder reads the request on a terminal of the keyring, and agrees there",
            });
            with(&mut auth, "objects", json!([object]));
        }
        json!({"key": key, "cert": certificate, "auth": auth, "SCAL": "2", "multisign": most})
    }
}

/// The authentication object: what the holder does on the terminal.
pub(crate) const TERMINAL: &str = "terminal";

/// `YYYYMMDDHHmmssZ`, of Unix ms.
fn generalised(time: u64) -> String {
    let seconds = i64::try_from(time / 1000).unwrap_or(i64::MAX);
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(format_description!("[year][month][day][hour][minute][second]Z")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_the_specification_has_them() {
        assert_eq!(generalised(0), "19700101000000Z");
        assert_eq!(generalised(951_782_400_000), "20000229000000Z");
        assert_eq!(generalised(1_795_397_664_000), "20261123013424Z");
        assert_eq!(generalised(4_107_542_399_000), "21000228235959Z");
    }
}
