//! Servers that are called, believed as long as no list names them: whoever calls asks the lists of the moment in each handshake.

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    chain::DEPTH_MAX,
    error::Error,
    judge::Refusal,
    path::{self, Holder, Question},
    revocation::RevocationLists,
    tls::{self, TlsIdentity},
};

/// The lists of now.
pub type CurrentLists = Box<dyn Fn() -> RevocationLists + Send + Sync>;

/// As [`crate::client_config`], where one of these lists, current, must also speak for each certificate of a server's chain but the anchor. No
/// session is resumed: that would ask nobody.
///
/// # Errors
/// [`Error::Tls`].
pub fn client_config_asking(
    anchors: &Anchors,
    identity: Option<&TlsIdentity>,
    lists: CurrentLists,
) -> Result<ClientConfig, Error> {
    let mut config = tls::client_config(anchors, identity)?;
    let plain = WebPkiServerVerifier::builder_with_provider(anchors.roots(), tls::provider()).build();
    let plain = plain.map_err(|error| rustls::Error::General(error.to_string()))?;
    let asker = Asker { plain, anchors: anchors.clone(), lists };
    config.dangerous().set_certificate_verifier(Arc::new(asker));
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Believes whom the library believes, unless a list takes it back or none speaks.
struct Asker {
    plain: Arc<WebPkiServerVerifier>,
    anchors: Anchors,
    lists: CurrentLists,
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asker")
    }
}

impl ServerCertVerifier for Asker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let believed = self.plain.verify_server_cert(leaf, intermediates, name, stapled, now)?;
        let refused = |error| rustls::Error::InvalidCertificate(error);
        let certificate = Certificate::from_der(leaf, "a server");
        let certificate = certificate.map_err(|_| refused(CertificateError::BadEncoding))?;
        let question = Question {
            depth: DEPTH_MAX,
            anchors: &self.anchors,
            lists: Some(&(self.lists)()),
            now: now.as_secs().saturating_mul(1000),
            grace: 0,
            online: None,
            holder: Holder::Server,
        };
        match path::verify(question, &certificate, intermediates) {
            Ok(_) => Ok(believed),
            Err(refusal) => Err(refused(match refusal {
                Refusal::Revoked => CertificateError::Revoked,
                Refusal::RevocationUnknown => CertificateError::UnknownRevocationStatus,
                Refusal::Expired => CertificateError::Expired,
                Refusal::NotYetValid => CertificateError::NotValidYet,
                _ => CertificateError::ApplicationVerificationFailure,
            })),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.plain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.plain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.plain.supported_verify_schemes()
    }
}
