//! What can go wrong when certificates are made, read or configured. Why a *presented* certificate is refused
//! is [`crate::Refusal`]'s to say.

use crate::{name::NameError, revocation::ListRefusal};

/// An error of this room. The message says what to do; [`Error::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate is not readable X.509.
    #[error("{what} is not an X.509 certificate in PEM or DER")]
    NotACertificate {
        /// Which one, for instance a file name.
        what: String,
    },
    /// A file holds no list of revoked certificates that can be used.
    #[error("{what}: {refusal}")]
    NotARevocationList {
        /// Which one, for instance a file name.
        what: String,
        /// What is wrong with it.
        refusal: ListRefusal,
    },
    /// A request is not readable PKCS#10.
    #[error("{what} is not a certificate request (PKCS#10) in PEM or DER")]
    NotARequest {
        /// Which one, for instance a file name.
        what: String,
    },
    /// A request is not signed by the key that it names.
    #[error(
        "{what}: the request is not signed by its own key: it was altered, or its maker does not have the key"
    )]
    RequestNotSigned {
        /// Which one, for instance a file name.
        what: String,
    },
    /// A file holds nothing that is read here.
    #[error("{what} holds no certificate, request, revocation list or private key, in PEM or DER")]
    Nothing {
        /// Which one, for instance a file name.
        what: String,
    },
    /// A private key is under a password.
    #[error("{what}: the private key is under a password; `openssl pkcs8 -topk8 -nodes` takes it off")]
    KeyUnderPassword {
        /// Which one, for instance a file name.
        what: String,
    },
    /// A private key is not readable PKCS#8 of a supported kind.
    #[error("the private key is not PKCS#8 of a supported kind (ECDSA P-256 or P-384, RSA 2048 to 8192)")]
    NotAPrivateKey,
    /// Certificate and private key do not belong together.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// A certificate that cannot be an authority was given as one.
    #[error("{subject} may not issue certificates: basicConstraints CA and keyCertSign are needed")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
    },
    /// An authority's certificate cannot be trusted as what it is.
    #[error("{subject} cannot be trusted as an authority: {why}")]
    NotAnAnchor {
        /// Its subject.
        subject: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The authority is not valid at the moment of issuing.
    #[error("the authority's certificate is not valid now: renew it before issuing")]
    AuthorityNotValid,
    /// A certificate was given with an issuer that is not its own.
    #[error("{subject} was not issued by the authority that was given as its issuer")]
    AnotherIssuer {
        /// Its subject.
        subject: String,
    },
    /// Who issued a server's certificate is to be known, and does not stand behind it.
    #[error("the certificate's issuer does not stand behind it in the chain: put it there")]
    NoIssuer,
    /// A set of anchors is empty.
    #[error("no trust anchor was given: list at least one CA certificate")]
    NoAnchor,
    /// An authority may not stand below this one.
    #[error("this authority may not have authorities below it: its certificate's path length forbids it")]
    PathLength,
    /// A place that cannot stand in a certificate.
    #[error("{0:?} is not an address at which something is published: http://, https:// or ldap://")]
    BadPlace(String),
    /// An extension that cannot be written as it is given.
    #[error(
        "{0:?} is no extension: write OID=HEX, the DER of its value, or OID=utf8:TEXT, and ,critical behind where it is that"
    )]
    BadExtension(String),
    /// An extension would stand in a certificate twice.
    #[error(
        "the extension {0} would stand in the certificate twice (RFC 5280 §4.2): leave out the one that you give"
    )]
    ExtensionTwice(String),
    /// A host name or address cannot stand in a certificate.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    BadHost(String),
    /// The authority may not speak for a host.
    #[error("this authority may not issue for {0:?}: its certificate permits other hosts only")]
    HostNotPermitted(String),
    /// A name of a person or an organisation that cannot stand in a certificate.
    #[error("a name in a certificate has 1 to 64 characters, none of them a control character")]
    BadSubject,
    /// A moment that cannot stand in a certificate.
    #[error("this moment cannot stand in a certificate")]
    BadTime,
    /// A server certificate without a name to serve.
    #[error("a server certificate needs at least one DNS name or IP address")]
    NoHost,
    /// The validity asked for is empty or too long.
    #[error("a validity of {asked} days is not possible here: give 1 to {most}")]
    BadValidity {
        /// Days asked for.
        asked: u32,
        /// The most days.
        most: u32,
    },
    /// A name cannot be read.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A PKCS#12 password that some importers would refuse or mangle.
    #[error("a PKCS#12 password has 12 to 64 letters, digits and hyphens, so that every browser imports it")]
    BadPassword,
    /// PKCS#12 could not be written.
    #[error("the PKCS#12 file could not be made")]
    Pkcs12,
    /// The cryptographic library or the system's random source failed.
    #[error("the cryptographic library failed")]
    Crypto,
    /// A key is kept elsewhere, and its holder does not do what is asked.
    #[error("{words}")]
    Elsewhere {
        /// The stable code of the holder's error.
        code: &'static str,
        /// What the holder says.
        words: String,
    },
    /// TLS could not be configured with these parts.
    #[error("TLS cannot be configured: {0}")]
    Tls(#[from] rustls::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotACertificate { .. } => "pki_not_a_certificate",
            Self::NotARevocationList { .. } => "pki_not_a_revocation_list",
            Self::NotARequest { .. } => "pki_not_a_request",
            Self::RequestNotSigned { .. } => "pki_request_not_signed",
            Self::Nothing { .. } => "pki_nothing",
            Self::KeyUnderPassword { .. } => "pki_key_under_password",
            Self::NotAPrivateKey => "pki_not_a_private_key",
            Self::KeyMismatch => "pki_key_mismatch",
            Self::NotAnAuthority { .. } => "pki_not_an_authority",
            Self::NotAnAnchor { .. } => "pki_not_an_anchor",
            Self::AuthorityNotValid => "pki_authority_not_valid",
            Self::AnotherIssuer { .. } => "pki_another_issuer",
            Self::NoIssuer => "pki_no_issuer",
            Self::NoAnchor => "pki_no_anchor",
            Self::PathLength => "pki_path_length",
            Self::BadPlace(_) => "pki_bad_place",
            Self::BadExtension(_) => "pki_bad_extension",
            Self::ExtensionTwice(_) => "pki_extension_twice",
            Self::BadHost(_) => "pki_bad_host",
            Self::HostNotPermitted(_) => "pki_host_not_permitted",
            Self::BadSubject => "pki_bad_subject",
            Self::BadTime => "pki_bad_time",
            Self::NoHost => "pki_no_host",
            Self::BadValidity { .. } => "pki_bad_validity",
            Self::Name(error) => error.code(),
            Self::BadPassword => "pki_bad_password",
            Self::Pkcs12 => "pki_pkcs12",
            Self::Crypto => "pki_crypto",
            Self::Elsewhere { code, .. } => code,
            Self::Tls(_) => "pki_tls",
        }
    }
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}
