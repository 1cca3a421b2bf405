//! TLS 1.2 and 1.3 as the house speaks it.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::{
        ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SigningKey, SingleCertAndKey},
};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    error::Error,
    held::{CertificateKey, TlsKey},
    issued::Issued,
    key::PrivateKey,
    name::Name,
    possession,
    sessions::Sessions,
};

/// A certificate chain and its key, ready to be shown in a handshake.
#[derive(Debug)]
pub struct TlsIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
}

impl TlsIdentity {
    /// From the PEM of a chain, leaf first, and its private key.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], [`Error::KeyMismatch`].
    pub fn new(chain_pem: &str, key: PrivateKey) -> Result<Self, Error> {
        Ok(Self { chain: chain_of(chain_pem, &key)?, key: loaded(&key)? })
    }

    /// The same with a key that is kept elsewhere. Each handshake then waits, on the thread that it runs on, for the key's holder.
    ///
    /// # Errors
    /// Those, and [`Error::Elsewhere`].
    pub fn with_key_elsewhere(chain_pem: &str, key: Arc<dyn CertificateKey>) -> Result<Self, Error> {
        Ok(Self { chain: chain_of(chain_pem, &key)?, key: Arc::new(TlsKey::new(key)?) })
    }

    /// Who issued each certificate of the chain, leaf first: a server that names authorities takes one below them.
    pub fn issuers(&self) -> Vec<Name> {
        let read = |der: &CertificateDer<'_>| Certificate::from_der(der, "the chain").ok();
        self.chain.iter().filter_map(read).map(|one| one.issuer().clone()).collect()
    }

    /// The certificates, leaf first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Ready to sign.
    pub(crate) fn certified(&self) -> CertifiedKey {
        CertifiedKey::new(self.chain.clone(), Arc::clone(&self.key))
    }

    /// The server's or client's own certificate.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], which one that was read never is.
    pub fn certificate(&self) -> Result<Certificate, Error> {
        let leaf = self.chain.first().map(|leaf| leaf.as_ref()).unwrap_or_default();
        Certificate::from_der(leaf, "the certificate")
    }

    /// From what an authority issued.
    ///
    /// # Errors
    /// [`Error::NotAPrivateKey`], which an issued key never is.
    pub fn of(issued: &Issued) -> Result<Self, Error> {
        let chain = issued.chain().iter().map(|certificate| certificate.der().clone()).collect();
        Ok(Self { chain, key: loaded(issued.key())? })
    }
}

/// aws-lc-rs, the hybrid X25519MLKEM768 key exchange first.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
        let kx_groups = vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1];
        Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
    });
    Arc::clone(&PROVIDER)
}

/// A server for h2 and http/1.1 that asks for no client certificate.
///
/// # Errors
/// [`Error::Tls`].
pub fn server_config(identity: &TlsIdentity) -> Result<ServerConfig, Error> {
    let shown = Arc::new(SingleCertAndKey::from(identity.certified()));
    server_config_resolving(&[], shown)
}

/// The same server, which asks each client for a certificate that one of these anchors issued, and demands none.
///
/// Handshakes succeed with a good certificate, a bad one and none; what they do demand is possession of the private
/// key of the one presented. The application has the chain from `peer_certificates()` and passes it to
/// [`crate::ClientJudge::judge`] on every request: a resumed session calls no verifier, and certificates expire while
/// connections stay open.
///
/// # Errors
/// [`Error::Tls`].
pub fn server_config_asking(identity: &TlsIdentity, anchors: &[&Anchors]) -> Result<ServerConfig, Error> {
    let config = server_builder()?.with_client_cert_verifier(asker(anchors));
    let shown = Arc::new(SingleCertAndKey::from(identity.certified()));
    Ok(finish(config.with_cert_resolver(shown)))
}

/// The same, or, without anchors, as [`server_config`], which shows whatever `shown` says.
pub(crate) fn server_config_resolving(
    anchors: &[&Anchors],
    shown: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, Error> {
    let builder = server_builder()?;
    let config = if anchors.is_empty() {
        builder.with_no_client_auth()
    } else {
        builder.with_client_cert_verifier(asker(anchors))
    };
    Ok(finish(config.with_cert_resolver(shown)))
}

fn asker(anchors: &[&Anchors]) -> Arc<Asker> {
    let mut hints: Vec<_> = anchors.iter().flat_map(|anchors| anchors.hints()).collect();
    hints.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
    hints.dedup_by(|one, other| one.as_ref() == other.as_ref());
    Arc::new(Asker { hints, algorithms: provider().signature_verification_algorithms })
}

/// A client for h2 and http/1.1 that trusts these anchors only, and shows this certificate to servers that ask for one.
///
/// # Errors
/// [`Error::Tls`].
pub fn client_config(anchors: &Anchors, identity: Option<&TlsIdentity>) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .with_root_certificates(anchors.roots());
    let mut config = match identity {
        Some(identity) => {
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())))
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn();
    Ok(config)
}

pub(crate) fn server_builder() -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, Error> {
    Ok(ServerConfig::builder_with_provider(provider()).with_protocol_versions(rustls::DEFAULT_VERSIONS)?)
}

pub(crate) fn finish(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = alpn();
    config.session_storage = Arc::new(Sessions::default());
    // Each connection that resumes gets another: a second one would only push somebody else's out.
    config.send_tls13_tickets = 1;
    config
}

/// A chain whose first certificate is this key's.
fn chain_of(chain_pem: &str, key: &dyn CertificateKey) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain = Certificate::all_from_pem(chain_pem, "the certificate chain")?;
    let belongs = match chain.first() {
        Some(leaf) => leaf.parsed()?.public_key().raw == key.public_key_info()?,
        None => false,
    };
    if !belongs {
        return Err(Error::KeyMismatch);
    }
    Ok(chain.iter().map(|certificate| certificate.der().clone()).collect())
}

fn loaded(key: &PrivateKey) -> Result<Arc<dyn SigningKey>, Error> {
    Ok(provider().key_provider.load_private_key(key.to_rustls())?)
}

fn alpn() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

/// Asks for a client certificate, checks that the client holds its key, and leaves the rest to the application.
#[derive(Debug)]
struct Asker {
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Asker {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Lets every certificate through: a refusal here would be a TLS alert, which no browser can explain to its user.
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        possession::verify_tls12(&self.algorithms, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        possession::verify_tls13(&self.algorithms, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
