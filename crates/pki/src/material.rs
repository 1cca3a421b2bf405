//! What a file may hold: certificates, requests, lists and keys, in PEM or DER, read whatever they are.

use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use crate::{
    certificate::Certificate, error::Error, key::PrivateKey, pem, request::CertificateRequest,
    revocation::RevocationList,
};

/// One thing of a file.
#[derive(Debug)]
pub enum Material {
    /// A certificate.
    Certificate(Certificate),
    /// A request for one.
    Request(CertificateRequest),
    /// A list of revoked certificates, and its DER.
    List(Box<RevocationList>, Vec<u8>),
    /// A private key without a password.
    Key(PrivateKey),
}

impl Material {
    /// Reads all of a file, in its order: any number in PEM, or one in DER. `what` names it in errors, for instance a path.
    ///
    /// # Errors
    /// [`Error::Nothing`] where there is none of them, [`Error::KeyUnderPassword`], and those of each kind.
    pub fn read(bytes: &[u8], what: &str) -> Result<Vec<Self>, Error> {
        if bytes.first() == Some(&0x30) {
            return Self::from_der(bytes, what).map(|one| vec![one]);
        }
        if contains(bytes, b"BEGIN ENCRYPTED PRIVATE KEY") || contains(bytes, b"Proc-Type: 4,ENCRYPTED") {
            return Err(Error::KeyUnderPassword { what: what.to_owned() });
        }
        let nothing = || Error::Nothing { what: what.to_owned() };
        let mut all = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            let (kind, der) = section.map_err(|_| nothing())?;
            all.extend(Self::of_section(kind, Zeroizing::new(der), what)?);
        }
        if all.is_empty() { Err(nothing()) } else { Ok(all) }
    }

    /// The certificates of a file; what else is in it is passed over.
    ///
    /// # Errors
    /// Those of [`Self::read`]; [`Error::NotACertificate`] where there is none.
    pub fn certificates(bytes: &[u8], what: &str) -> Result<Vec<Certificate>, Error> {
        let certificate = |one| match one {
            Self::Certificate(certificate) => Some(certificate),
            _ => None,
        };
        let all: Vec<_> = Self::read(bytes, what)?.into_iter().filter_map(certificate).collect();
        if all.is_empty() { Err(Error::NotACertificate { what: what.to_owned() }) } else { Ok(all) }
    }

    /// DER and PEM of what everybody may see; none of a private key.
    pub fn public_form(&self) -> Option<(Vec<u8>, String)> {
        match self {
            Self::Certificate(one) => Some((one.der().to_vec(), one.to_pem())),
            Self::Request(one) => Some((one.der().to_vec(), one.to_pem())),
            Self::List(_, der) => Some((der.clone(), pem::encode("X509 CRL", der).to_string())),
            Self::Key(_) => None,
        }
    }

    fn of_section(kind: SectionKind, der: Zeroizing<Vec<u8>>, what: &str) -> Result<Option<Self>, Error> {
        Ok(Some(match kind {
            SectionKind::Certificate => Self::Certificate(Certificate::from_der(&der, what)?),
            SectionKind::Csr => Self::Request(CertificateRequest::from_der(&der, what)?),
            SectionKind::Crl => Self::list(&der, what)?,
            SectionKind::PrivateKey => Self::Key(PrivateKey::from_pkcs8(der)?),
            SectionKind::RsaPrivateKey => Self::Key(PrivateKey::from_pkcs1(&der)?),
            // The older form of other kinds of keys; `openssl pkcs8 -topk8 -nodes` converts it.
            SectionKind::EcPrivateKey => return Err(Error::NotAPrivateKey),
            _ => return Ok(None),
        }))
    }

    fn from_der(bytes: &[u8], what: &str) -> Result<Self, Error> {
        if let Ok(certificate) = Certificate::from_der(bytes, what) {
            return Ok(Self::Certificate(certificate));
        }
        if let Ok(list) = Self::list(bytes, what) {
            return Ok(list);
        }
        match CertificateRequest::from_der(bytes, what) {
            Ok(request) => return Ok(Self::Request(request)),
            Err(error @ Error::RequestNotSigned { .. }) => return Err(error),
            Err(_) => {}
        }
        let key =
            PrivateKey::from_pkcs8(Zeroizing::new(bytes.to_vec())).or_else(|_| PrivateKey::from_pkcs1(bytes));
        key.map(Self::Key).map_err(|_| Error::Nothing { what: what.to_owned() })
    }

    fn list(der: &[u8], what: &str) -> Result<Self, Error> {
        let refused = |refusal| Error::NotARevocationList { what: what.to_owned(), refusal };
        let list = RevocationList::read(der).map_err(refused)?;
        Ok(Self::List(Box::new(list), der.to_vec()))
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
