//! What a certificate says, in full and in order, for people and scripts. Read, never believed.

use serde::Serialize;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{
        CRLDistributionPoints, DistributionPointName, ExtendedKeyUsage, GeneralName, ParsedExtension,
        X509Extension,
    },
    prelude::FromDer,
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo,
};

use crate::{
    certificate::{Certificate, Fingerprint},
    error::Error,
    extension,
    name::Name,
    period::PrivateKeyUsage,
};

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamePart {
    /// `CN`, `OU`, or a dotted number.
    pub kind: String,
    /// Its text; none where its string type is not read.
    pub value: Option<String>,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    /// `RSA`, `EC P-256`, or a dotted number.
    pub kind: String,
    /// Its size.
    pub bits: Option<usize>,
    /// SHA-256 of the SubjectPublicKeyInfo, which a request and its certificate have in common.
    pub sha256: String,
}

/// An extension that is not told in another field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherExtension {
    /// Its dotted number.
    pub oid: String,
    /// Whether who does not understand it must refuse the certificate.
    pub critical: bool,
}

/// A certificate's content.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CertificateFacts {
    /// In DER order.
    pub subject: Vec<NamePart>,
    /// In DER order.
    pub issuer: Vec<NamePart>,
    /// Hexadecimal.
    pub serial: String,
    /// Unix milliseconds.
    pub not_before: u64,
    /// Unix milliseconds.
    pub not_after: u64,
    /// The public key.
    pub key: Option<KeyFacts>,
    /// The signature's algorithm: a name, or a dotted number.
    pub signature: String,
    /// SHA-256 of the DER.
    pub sha256: String,
    /// Whether it may issue certificates.
    pub authority: bool,
    /// How many authorities may stand below it.
    pub path_length: Option<u32>,
    /// `digitalSignature`, …
    pub key_usages: Vec<&'static str>,
    /// `clientAuth`, …
    pub purposes: Vec<String>,
    /// DNS names, addresses and e-mail addresses that it is for.
    pub alternative_names: Vec<String>,
    /// Where the lists that speak of it are.
    pub revocation_lists: Vec<String>,
    /// Where the changes of them are.
    pub freshest_lists: Vec<String>,
    /// Where its state is asked.
    pub ocsp: Vec<String>,
    /// Where its issuer's certificate is.
    pub issuer_certificates: Vec<String>,
    /// Dotted numbers.
    pub policies: Vec<String>,
    /// While its key may sign.
    pub private_key_usage: Option<PrivateKeyUsage>,
    /// Every other extension.
    pub others: Vec<OtherExtension>,
}

impl CertificateFacts {
    /// Reads them.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], which a certificate that was read never is.
    pub fn of(certificate: &Certificate) -> Result<Self, Error> {
        let parsed = certificate.parsed()?;
        let mut facts = Self {
            subject: name_parts(certificate.subject()),
            issuer: name_parts(certificate.issuer()),
            serial: certificate.serial(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            key: Some(key_facts(parsed.public_key().raw)),
            signature: signature_name(&parsed),
            sha256: certificate.fingerprint().to_string(),
            ..Self::default()
        };
        parsed.extensions().iter().for_each(|extension| facts.take(extension));
        Ok(facts)
    }

    fn take(&mut self, extension: &X509Extension<'_>) {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(found) => {
                self.authority = found.ca;
                self.path_length = found.path_len_constraint;
            }
            ParsedExtension::KeyUsage(found) => self.key_usages = key_usages(found.flags),
            ParsedExtension::ExtendedKeyUsage(found) => self.purposes = purposes(found),
            ParsedExtension::SubjectAlternativeName(found) => {
                self.alternative_names = found.general_names.iter().map(general_name).collect();
            }
            ParsedExtension::CRLDistributionPoints(found) => self.revocation_lists = places(found),
            ParsedExtension::AuthorityInfoAccess(found) => {
                for one in &found.accessdescs {
                    let place = general_name(&one.access_location);
                    match one.access_method.to_id_string().as_str() {
                        "1.3.6.1.5.5.7.48.1" => self.ocsp.push(place),
                        "1.3.6.1.5.5.7.48.2" => self.issuer_certificates.push(place),
                        _ => {}
                    }
                }
            }
            ParsedExtension::CertificatePolicies(found) => {
                self.policies = found.iter().map(|policy| policy.policy_id.to_id_string()).collect();
            }
            ParsedExtension::SubjectKeyIdentifier(_) | ParsedExtension::AuthorityKeyIdentifier(_) => {}
            _ => self.take_unparsed(extension),
        }
    }

    /// Those that the library does not read.
    fn take_unparsed(&mut self, extension: &X509Extension<'_>) {
        let oid = extension.oid.to_id_string();
        if oid == extension::FRESHEST_CRL.to_string()
            && let Ok((_, found)) = CRLDistributionPoints::from_der(extension.value)
        {
            self.freshest_lists = places(&found);
        } else if oid == extension::PRIVATE_KEY_USAGE_PERIOD.to_string()
            && let Some(found) = PrivateKeyUsage::from_der(extension.value)
        {
            self.private_key_usage = Some(found);
        } else {
            self.others.push(OtherExtension { oid, critical: extension.critical });
        }
    }
}

/// A name's attributes, in DER order.
pub fn name_parts(name: &Name) -> Vec<NamePart> {
    let part = |attribute: &crate::name::Attribute| NamePart {
        kind: attribute.label(),
        value: attribute.text().map(std::borrow::Cow::into_owned),
    };
    name.attributes().map(part).collect()
}

/// A public key, from the DER of its SubjectPublicKeyInfo.
pub fn key_facts(public_key_info: &[u8]) -> KeyFacts {
    let sha256 = Fingerprint::of(public_key_info).to_string();
    let Ok((_, info)) = SubjectPublicKeyInfo::from_der(public_key_info) else {
        return KeyFacts { kind: "unreadable".to_owned(), bits: None, sha256 };
    };
    let named = info.algorithm.algorithm.to_id_string();
    let (kind, bits) = match info.parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA".to_owned(), Some(key.key_size())),
        Ok(PublicKey::EC(point)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            let curve = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
            let curve = match curve.as_str() {
                "1.2.840.10045.3.1.7" => "P-256",
                "1.3.132.0.34" => "P-384",
                "1.3.132.0.35" => "P-521",
                other => other,
            };
            (format!("EC {curve}"), Some(point.key_size()))
        }
        _ if named == "1.3.101.112" => ("Ed25519".to_owned(), Some(256)),
        _ => (named, None),
    };
    KeyFacts { kind, bits, sha256 }
}

/// The URIs, and other names, of distribution points.
pub(crate) fn places(points: &CRLDistributionPoints<'_>) -> Vec<String> {
    let names = points.points.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().map(general_name).collect()
}

fn signature_name(certificate: &X509Certificate<'_>) -> String {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    let known = [
        ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
        ("1.2.840.113549.1.1.10", "rsassaPss"),
        ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
        ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
        ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
        ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
        ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
        ("1.3.101.112", "Ed25519"),
    ];
    known.into_iter().find(|(number, _)| *number == oid).map_or(oid, |(_, name)| name.to_owned())
}

fn key_usages(flags: u16) -> Vec<&'static str> {
    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    let set = NAMES.into_iter().enumerate().filter(|(at, _)| flags >> at & 1 == 1);
    set.map(|(_, name)| name).collect()
}

fn purposes(found: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (found.any, "anyExtendedKeyUsage"),
        (found.client_auth, "clientAuth"),
        (found.server_auth, "serverAuth"),
        (found.email_protection, "emailProtection"),
        (found.code_signing, "codeSigning"),
        (found.time_stamping, "timeStamping"),
        (found.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned());
    known.chain(found.other.iter().map(|oid| oid.to_id_string())).collect()
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::URI(text) => (*text).to_owned(),
        GeneralName::DNSName(text) => format!("DNS:{text}"),
        GeneralName::RFC822Name(text) => format!("email:{text}"),
        GeneralName::IPAddress(octets) => match extension::ip_address(octets) {
            Some(address) => format!("IP:{address}"),
            None => format!("IP:{}", hex::encode(octets)),
        },
        GeneralName::DirectoryName(name) => Name::from_der(name.as_raw())
            .map_or_else(|_| "a directory name that cannot be read".to_owned(), |name| format!("DN:{name}")),
        GeneralName::RegisteredID(oid) => format!("OID:{}", oid.to_id_string()),
        _ => "a name of another kind".to_owned(),
    }
}
