//! What a certificate must say besides its names: under which policies it was issued (RFC 5280 §4.2.1.4), and of which type it is, in an extension of its
//! issuer's own. Asked of a way that was verified; pure.

use rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{ParsedExtension, X509Extension},
};

use crate::{
    certificate::Certificate,
    der::{self, tag},
    oid::Oid,
};

/// id-ce-certificatePolicies
const CERTIFICATE_POLICIES: Oid = Oid::literal(&[0x55, 0x1d, 32]);
/// anyPolicy (RFC 5280 §4.2.1.4): an authority that may issue under each.
const ANY_POLICY: Oid = Oid::literal(&[0x55, 0x1d, 32, 0]);
/// The string types whose content is the text's own octets, where it is ASCII.
const STRINGS: [u8; 4] = [tag::PRINTABLE, tag::IA5, tag::VISIBLE, tag::NUMERIC];

/// What is demanded. The default demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    policies: Vec<Oid>,
    types: Vec<CertificateType>,
}

/// A type: an extension, and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateType {
    extension: Oid,
    /// Each DER that says so.
    values: Vec<Vec<u8>>,
}

/// Which demand a certificate does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// It was issued under none of the policies.
    #[error("it was issued under none of the policies that are asked for")]
    Policy,
    /// It is of none of the types.
    #[error("it is of none of the types that are asked for")]
    Type,
}

impl Unmet {
    /// Stable code, in headers, logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Policy => "certificate_wrong_policy",
            Self::Type => "certificate_wrong_type",
        }
    }
}

/// Why a type cannot be demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
#[non_exhaustive]
pub enum NotAType {
    /// The extension's number is none.
    Extension,
    /// Not exactly one value is said.
    Value,
    /// The number in it is none.
    Oid,
    /// Its content is not written in hexadecimal.
    Der,
}

impl NotAType {
    /// What to write instead.
    pub fn words(self) -> &'static str {
        match self {
            Self::Extension => "`extension` is an object identifier: write it in numbers and dots",
            Self::Value => "one of `text`, `oid` and `der` says what stands in the extension",
            Self::Oid => "`oid` is an object identifier: write it in numbers and dots",
            Self::Der => "`der` is the extension's content in hexadecimal",
        }
    }
}

impl Demands {
    /// One at least of these policies, and one at least of these types; of an empty list, none.
    pub fn new(policies: Vec<Oid>, types: Vec<CertificateType>) -> Self {
        Self { policies, types }
    }

    /// The policies of which one is demanded.
    pub fn policies(&self) -> &[Oid] {
        &self.policies
    }

    /// The types of which one is demanded.
    pub fn types(&self) -> &[CertificateType] {
        &self.types
    }

    /// Asks them of a way that was verified: the leaf, then each authority below the anchor.
    ///
    /// A policy counts where the leaf names it, and no authority of the way was itself limited to others: one that names policies names this one or
    /// anyPolicy (RFC 5280 §6.1.3 d; one that names none limits nobody here, and mappings are not followed). A leaf's own anyPolicy is no policy that is
    /// demanded. An extension that stands there twice says nothing (§4.2).
    ///
    /// # Errors
    /// The first demand that is not met.
    pub fn check(&self, way: &[CertificateDer<'_>]) -> Result<(), Unmet> {
        if !self.policies.is_empty() && !self.policies.iter().any(|policy| is_under(way, policy)) {
            return Err(Unmet::Policy);
        }
        let is_one = |leaf: &CertificateDer<'_>| self.types.iter().any(|it| it.is_in(leaf));
        if !self.types.is_empty() && !way.first().is_some_and(is_one) {
            return Err(Unmet::Type);
        }
        Ok(())
    }
}

impl CertificateType {
    /// Of an extension's dotted number, and one of: the text in it, whichever the string type; the object identifier in it; its whole content (DER, in
    /// hexadecimal).
    ///
    /// # Errors
    /// [`NotAType`].
    pub fn read(
        extension: &str,
        text: Option<&str>,
        oid: Option<&str>,
        content: Option<&str>,
    ) -> Result<Self, NotAType> {
        let extension = extension.parse().map_err(|_| NotAType::Extension)?;
        let values = match (text, oid, content) {
            (Some(text), None, None) => encodings(text),
            (None, Some(oid), None) => vec![oid.parse::<Oid>().map_err(|_| NotAType::Oid)?.to_der()],
            (None, None, Some(content)) => {
                vec![hex::decode(content.replace(':', "")).map_err(|_| NotAType::Der)?]
            }
            _ => return Err(NotAType::Value),
        };
        Ok(Self { extension, values })
    }

    /// The extension that says so.
    pub fn extension(&self) -> &Oid {
        &self.extension
    }

    fn is_in(&self, leaf: &CertificateDer<'_>) -> bool {
        let Ok(leaf) = Certificate::from_der(leaf, "client") else { return false };
        let Ok(parsed) = leaf.parsed() else { return false };
        only(&parsed, &self.extension)
            .is_some_and(|found| self.values.iter().any(|value| value.as_slice() == found.value))
    }
}

/// Each DER of a string that is this text.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![der::tlv(tag::UTF8, text.as_bytes())];
    if text.is_ascii() {
        all.extend(STRINGS.map(|tag| der::tlv(tag, text.as_bytes())));
    }
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    all.push(der::tlv(tag::BMP, &units));
    all
}

/// Whether the leaf names a policy under which all above it may issue.
fn is_under(way: &[CertificateDer<'_>], policy: &Oid) -> bool {
    let Some((leaf, authorities)) = way.split_first() else { return false };
    let named = |policies: &[Oid]| policies.contains(policy);
    let may = |policies: &[Oid]| named(policies) || policies.contains(&ANY_POLICY);
    policies(leaf).is_some_and(|found| named(&found.unwrap_or_default()))
        && authorities
            .iter()
            .all(|it| policies(it).is_some_and(|found| found.is_none_or(|found| may(&found))))
}

/// The policies that a certificate names: `Some(None)` where it names none, none at all where that cannot be read.
fn policies(certificate: &CertificateDer<'_>) -> Option<Option<Vec<Oid>>> {
    let certificate = Certificate::from_der(certificate, "a chain").ok()?;
    let parsed = certificate.parsed().ok()?;
    let is_one = is_extension(&CERTIFICATE_POLICIES);
    if !parsed.extensions().iter().any(is_one) {
        return Some(None);
    }
    let ParsedExtension::CertificatePolicies(found) =
        only(&parsed, &CERTIFICATE_POLICIES)?.parsed_extension()
    else {
        return None;
    };
    let read = found.iter().map(|it| Oid::from_der_content(it.policy_id.as_bytes()).ok());
    read.collect::<Option<Vec<_>>>().map(Some)
}

/// The extension of this number, where it stands there once.
fn only<'a, 'b>(certificate: &'a X509Certificate<'b>, number: &Oid) -> Option<&'a X509Extension<'b>> {
    let is_one = is_extension(number);
    let mut found = certificate.extensions().iter().filter(|it| is_one(it));
    found.next().filter(|_| found.next().is_none())
}

fn is_extension(number: &Oid) -> impl Fn(&X509Extension<'_>) -> bool + use<> {
    let number = number.clone();
    move |extension| Oid::from_der_content(extension.oid.as_bytes()).is_ok_and(|own| own == number)
}
