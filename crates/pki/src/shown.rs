//! What a server shows, looked at from outside: for whom its certificate is, from whom, and whether these authorities vouch for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{anchors::Anchors, error::Error, tls};

/// Why a server's certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerRefusal {
    /// It, or an issuer of it, has expired.
    #[error("it has expired")]
    Expired,
    /// It, or an issuer of it, is not valid yet.
    #[error("it is not valid yet")]
    NotYetValid,
    /// None of these authorities issued it, or the server leaves an intermediate certificate away.
    #[error(
        "no authority that is trusted here issued it, or the server does not send the intermediate certificates"
    )]
    Untrusted,
    /// It is another host's.
    #[error("it is for {0}")]
    AnotherHost(String),
    /// It fails in another way.
    #[error("it is refused: {0}")]
    Unacceptable(String),
}

/// A client that takes every certificate, to look at it. It proves nothing: whoever uses it tells the server no secret and believes no word of it.
///
/// # Errors
/// [`Error::Tls`].
pub fn looking_config() -> Result<ClientConfig, Error> {
    looking(Arc::default())
}

/// The same, and what the server hands out with its certificate (RFC 6066 §8).
pub(crate) fn looking(seen: Seen) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Looker(seen)))
        .with_no_client_auth())
}

/// Judges what the server of a host showed, leaf first, at `now` (unix milliseconds).
///
/// # Errors
/// The refusal.
pub fn judge_server(
    anchors: &Anchors,
    host: &str,
    chain: &[CertificateDer<'_>],
    now: u64,
) -> Result<(), ServerRefusal> {
    let unacceptable = |error: &dyn std::fmt::Display| ServerRefusal::Unacceptable(error.to_string());
    let (leaf, intermediates) = chain.split_first().ok_or(ServerRefusal::Untrusted)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| unacceptable(&error))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(anchors.roots(), tls::provider()).build();
    let verifier = verifier.map_err(|error| unacceptable(&error))?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now));
    match verifier.verify_server_cert(leaf, intermediates, &name, &[], now) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(error)) => Err(refusal(error)),
        Err(error) => Err(unacceptable(&error)),
    }
}

fn refusal(error: CertificateError) -> ServerRefusal {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ServerRefusal::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ServerRefusal::NotYetValid
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => ServerRefusal::Untrusted,
        CertificateError::NotValidForNameContext { presented, .. } => {
            ServerRefusal::AnotherHost(presented.join(", "))
        }
        other => ServerRefusal::Unacceptable(format!("{other:?}")),
    }
}

/// What a server showed, unverified; nothing until it does.
pub(crate) type Seen = Arc<Mutex<Shown>>;

#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Leaf first, as it was sent.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// An OCSP response.
    pub(crate) stapled: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Looker(Seen);

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf).chain(intermediates).map(|one| one.clone().into_owned());
        let stapled = (!response.is_empty()).then(|| response.to_vec());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Shown { chain: chain.collect(), stapled };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = tls::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = tls::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}
