//! Keys of our own certificates that are kept in a token (PKCS#11): its module is loaded when the first such key is named, and never else.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sceau_hsm::pkcs11::{Pkcs11Uri, TokenKey};
use sceau_pki::{CertificateKey, Hash, KeyFamily, Signing, TlsIdentity};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::error::Error;

/// A chain and its key in a token, which is opened and signs once: what it will refuse later, it refuses now.
pub(crate) fn identity(chain: &str, key: &str, [at_chain, at_key]: [&str; 2]) -> Result<TlsIdentity, Error> {
    let refused = |cause| Error::Secret { setting: at_key.to_owned(), cause };
    let uri: Pkcs11Uri = key.parse().map_err(|error| refused(sceau_hsm::Error::TokenAddress(error)))?;
    let key = TokenKey::find(&uri).map_err(|error| refused(error.into()))?;
    let how = match key.family() {
        KeyFamily::P256 | KeyFamily::P384 => Signing::Ecdsa,
        KeyFamily::Rsa => Signing::RsaPss(Hash::Sha256),
    };
    key.sign(how, b"sceau gate: does this key sign?").map_err(|error| refused(error.into()))?;
    if !key.stays().map_err(|error| refused(error.into()))? {
        tracing::warn!(
            setting = at_key,
            key = uri.short(),
            "the key may leave its token, or once could: one that sceau cert csr makes there never can"
        );
    }
    if flavor() == Some(RuntimeFlavor::CurrentThread) {
        tracing::warn!(
            setting = at_key,
            key = uri.short(),
            "the gate began without a key in a token, and serves everybody by one thread: begin it anew, or a token that takes its time holds all of them up"
        );
    }
    let told = Told { key, is_away: AtomicBool::new(false) };
    TlsIdentity::with_key_elsewhere(chain, Arc::new(told)).map_err(Error::pki(at_chain))
}

/// A key in a token that says when the token goes and comes back.
#[derive(Debug)]
struct Told {
    key: TokenKey,
    is_away: AtomicBool,
}

impl CertificateKey for Told {
    fn family(&self) -> KeyFamily {
        self.key.family()
    }

    fn public_key_info(&self) -> Result<Vec<u8>, sceau_pki::Error> {
        self.key.public_key_info()
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, sceau_pki::Error> {
        let done = aside(|| self.key.sign(how, message));
        let was_away = self.is_away.swap(done.is_err(), Ordering::Relaxed);
        match &done {
            Ok(_) if was_away => tracing::info!(key = self.key.uri().short(), "the token signs again"),
            Err(error) if !was_away => tracing::error!(
                key = self.key.uri().short(),
                code = error.code(),
                %error,
                "handshakes with this certificate are refused until the token signs again"
            ),
            _ => {}
        }
        done.map_err(|error| sceau_pki::Error::from(&error))
    }
}

/// rustls signs on the thread that it is called on. The connections that this thread of the runtime serves go on on another one while a token takes its
/// time.
fn aside<T>(sign: impl FnOnce() -> T) -> T {
    match flavor() {
        Some(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(sign),
        _ => sign(),
    }
}

fn flavor() -> Option<RuntimeFlavor> {
    Handle::try_current().ok().map(|handle| handle.runtime_flavor())
}
