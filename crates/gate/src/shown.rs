//! What a caller showed in the handshake.

use rustls::pki_types::CertificateDer;
use sceau_pki::Fingerprint;

/// The certificates that a caller sent, leaf first; nothing of them is believed.
#[derive(Debug)]
pub(crate) struct Shown {
    chain: Option<Vec<CertificateDer<'static>>>,
    fingerprint: Fingerprint,
}

impl Shown {
    pub(crate) fn new(chain: Option<&[CertificateDer<'_>]>) -> Self {
        let chain: Option<Vec<_>> =
            chain.map(|chain| chain.iter().map(|it| it.clone().into_owned()).collect());
        let mut octets = Vec::new();
        for der in chain.iter().flatten() {
            octets.extend_from_slice(&der.len().to_be_bytes());
            octets.extend_from_slice(der);
        }
        Self { chain, fingerprint: Fingerprint::of(&octets) }
    }

    pub(crate) fn chain(&self) -> Option<&[CertificateDer<'static>]> {
        self.chain.as_deref()
    }

    /// SHA-256 of all of it.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}
