//! Requests for a certificate (PKCS#10, RFC 2986): made where the key stays, and read.

use x509_parser::{
    certification_request::X509CertificationRequest,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer,
};

use crate::{
    der,
    error::Error,
    extension::{self, Host},
    held::{self, CertificateKey},
    name::{Attribute, Name},
    oid::Oid,
    pem, signature,
};

/// id-ExtensionReq (RFC 2985 §5.4.2)
const EXTENSION_REQUEST: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14]);

/// A request whose signature holds: who made it has the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    subject: Name,
    public_key_info: Vec<u8>,
    hosts: Vec<String>,
}

impl CertificateRequest {
    /// Asks for a certificate of this subject, for these DNS names and addresses where there are any. No password and no e-mail address is in it.
    ///
    /// # Errors
    /// [`Error::BadSubject`] for a subject that is empty or has a part of more than 64 characters, [`Error::BadHost`], [`Error::Crypto`], [`Error::Elsewhere`].
    pub fn make(subject: &Name, hosts: &[String], key: &dyn CertificateKey) -> Result<Self, Error> {
        if subject.is_empty() || !subject.attributes().all(is_acceptable) {
            return Err(Error::BadSubject);
        }
        let public_key_info = key.public_key_info()?;
        let asked = hosts.iter().map(|text| Host::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let attributes = if asked.is_empty() { Vec::new() } else { asking_for(&asked) };
        let content = [der::unsigned(&[]), subject.to_der(), public_key_info, der::context(0, &attributes)];
        let information = der::sequence(&content);
        let signature = der::bit_string(&held::sign(key, &information)?);
        let der = der::sequence(&[information, held::signature_algorithm(key), signature]);
        Self::from_der(&der, "a new request")
    }

    /// Reads one request's DER, all of it, and verifies its signature.
    ///
    /// # Errors
    /// [`Error::NotARequest`], naming `what`, [`Error::RequestNotSigned`].
    pub fn from_der(bytes: &[u8], what: &str) -> Result<Self, Error> {
        let unreadable = || Error::NotARequest { what: what.to_owned() };
        let (rest, parsed) = X509CertificationRequest::from_der(bytes).map_err(|_| unreadable())?;
        if !rest.is_empty() {
            return Err(unreadable());
        }
        let information = &parsed.certification_request_info;
        let public_key_info = information.subject_pki.raw.to_vec();
        let algorithm = signature::second(bytes).ok_or_else(unreadable)?;
        let signed = &parsed.signature_value.data;
        if !signature::is_by(&public_key_info, algorithm, information.raw, signed) {
            return Err(Error::RequestNotSigned { what: what.to_owned() });
        }
        let subject = Name::from_der(information.subject.as_raw()).map_err(|_| unreadable())?;
        let hosts = parsed.requested_extensions().into_iter().flatten().flat_map(hosts_of).collect();
        Ok(Self { der: bytes.to_vec(), subject, public_key_info, hosts })
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der).to_string()
    }

    /// Whom the certificate is to be about.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The public key: the DER of a SubjectPublicKeyInfo.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// The DNS names and addresses that are asked for.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }
}

/// At most 64 characters (RFC 5280 appendix A.1), and none that would mislead who reads the request.
fn is_acceptable(attribute: &Attribute) -> bool {
    attribute.text().is_some_and(|text| {
        !text.trim().is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control)
    })
}

fn asking_for(hosts: &[Host]) -> Vec<u8> {
    let extensions = der::sequence(&[extension::subject_alt_name(hosts)]);
    der::sequence(&[EXTENSION_REQUEST.to_der(), der::tlv(der::tag::SET, &extensions)])
}

fn hosts_of(extension: &ParsedExtension<'_>) -> Vec<String> {
    let ParsedExtension::SubjectAlternativeName(names) = extension else { return Vec::new() };
    let one = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => extension::ip_address(octets).map(|address| address.to_string()),
        _ => None,
    };
    names.general_names.iter().filter_map(one).collect()
}
