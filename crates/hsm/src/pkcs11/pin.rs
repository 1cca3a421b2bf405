//! PINs: read from where the address says each time that a token asks, kept nowhere.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cryptoki::{slot::TokenInfo, types::AuthPin};
use zeroize::Zeroizing;

use super::{
    error::TokenError,
    uri::{PinSource, Pkcs11Uri},
};
use crate::durable;

/// Longer than any.
const LONGEST: usize = 256;

/// The PIN that each token refused last, whichever address it was meant by, and whether a key of it is still held: another try would count against it.
static REFUSED: Mutex<BTreeMap<Place, [u8; 32]>> = Mutex::new(BTreeMap::new());

/// Which token: its module, label and serial number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(PathBuf, String, String);

impl Place {
    pub(crate) fn of(module: &Path, token: &TokenInfo) -> Self {
        Self(module.to_owned(), token.label().to_owned(), token.serial_number().to_owned())
    }

    /// Whether it refused this PIN, and no other since.
    pub(crate) fn refused(&self, pin: &Pin) -> bool {
        refused().get(self) == Some(&pin.hash())
    }

    pub(crate) fn refuses(self, pin: &Pin) {
        refused().insert(self, pin.hash());
    }

    pub(crate) fn accepts(&self) {
        refused().remove(self);
    }
}

fn refused() -> MutexGuard<'static, BTreeMap<Place, [u8; 32]>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A PIN in memory, wiped when dropped.
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Reads it; one line end at its end is not part of it.
    ///
    /// # Errors
    /// [`TokenError::NoPin`], [`TokenError::PinUnreadable`], also for a file that others can read.
    pub(crate) fn of(uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        let source = uri.pin().ok_or_else(|| TokenError::NoPin(uri.short()))?;
        Self::read(source).map_err(|why| TokenError::PinUnreadable { address: uri.short(), why })
    }

    /// Reads it; one line end at its end is not part of it.
    ///
    /// # Errors
    /// In words, none of the PIN.
    pub fn read(source: &PinSource) -> Result<Self, String> {
        let path = match source {
            PinSource::File(path) => path.clone(),
            PinSource::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
                folder
                    .ok_or("systemd handed over no credential: add LoadCredentialEncrypted= to the unit")?
                    .join(name)
            }
        };
        durable::check_secret(&path).map_err(|error| error.to_string())?;
        let octets = durable::read_secret(&path, LONGEST).map_err(|error| error.to_string())?;
        let no_text = || format!("{} holds no PIN: a line of text", path.display());
        let text = std::str::from_utf8(&octets).map_err(|_| no_text())?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() || text.contains('\0') {
            return Err(no_text());
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// As the module takes it.
    pub(crate) fn auth(&self) -> AuthPin {
        AuthPin::from(self.0.as_str())
    }

    /// By what a refused one is known again.
    fn hash(&self) -> [u8; 32] {
        sceau_crypto::hmac(b"sceau: refused PIN", &[self.0.as_bytes()])
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(redacted)")
    }
}
