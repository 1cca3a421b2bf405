//! The key under which the journal keeps what is not for everyone who reads the file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sceau_crypto::{BlobError, Label, SealedBlob, Secret, SecretBytes};
use sceau_hsm::{KeyRef, Operations, Provider, Together};

use crate::pulse::END_AFTER;
use crate::retention::Month;

/// A sealed part of the journal cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// The provider cannot, or the bytes are not those that it sealed.
    #[error("the journal's key cannot be used: {0}")]
    Provider(#[from] sceau_hsm::Error),
    /// The bytes are not those that this key sealed here.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// There is no key for it.
    #[error(
        "the key of the month {0}, under which who asked is sealed, is not there: start the element anew, which makes it"
    )]
    NoMonth(Month),
}

/// Seals the parts of the journal that name people, each for one place (`context`).
pub trait JournalKey: Send + Sync {
    /// Seals them.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError>;

    /// Seals one of several parts that are written together.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn seal_together(
        &self,
        context: &[u8],
        secret: &[u8],
        _together: &Together,
    ) -> Result<Vec<u8>, SealingError> {
        self.seal(context, secret)
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// When the key cannot be used, or the bytes are others.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealingError>;

    /// Seals what is to be forgotten of a record of that time (Unix milliseconds); none where nothing is forgotten.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn seal_personal(
        &self,
        _time: u64,
        _context: &[u8],
        _secret: &[u8],
    ) -> Result<Option<Vec<u8>>, SealingError> {
        Ok(None)
    }

    /// Opens that; none where it was forgotten.
    ///
    /// # Errors
    /// When the key cannot be used, or the bytes are others.
    fn open_personal(&self, _context: &[u8], _sealed: &[u8]) -> Result<Option<SecretBytes>, SealingError> {
        Ok(None)
    }
}

/// The key in a provider.
pub(crate) struct ProviderKey {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) key: KeyRef,
    pub(crate) patience: Duration,
}

impl JournalKey for ProviderKey {
    fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.seal_together(context, secret, &Together::default())
    }

    fn seal_together(
        &self,
        context: &[u8],
        secret: &[u8],
        together: &Together,
    ) -> Result<Vec<u8>, SealingError> {
        let seal = || self.provider.seal_together(&self.key, context, secret, together);
        Ok(patiently(self.patience, seal)?)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealingError> {
        Ok(self.provider.open(&self.key, context, sealed)?)
    }
}

/// Whether a key that is listed can be used: an entry may be there whose key is not, in a token.
pub(crate) fn try_seal(provider: &dyn Provider, key: &KeyRef) -> Result<(), sceau_hsm::Error> {
    provider.seal(key, b"try", &[]).map(drop)
}

/// How long what waits to be recorded waits for keys that say that they are away, unless said otherwise: then the process ends, and says why. Before it would be taken
/// for one that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_millis(END_AFTER / 4);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Does it again while what keeps the keys is away or busy. The thread waits: it is the writer's.
pub(crate) fn patiently<T>(
    patience: Duration,
    mut act: impl FnMut() -> Result<T, sceau_hsm::Error>,
) -> Result<T, sceau_hsm::Error> {
    let until = Instant::now() + patience;
    let mut told = false;
    loop {
        match act() {
            Err(error) if error.is_passing() && Instant::now() < until => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!("records wait for the keys: {error}");
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing tells of a token that is back but asking it"
                )]
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// A key that lives as long as its process: for tests.
pub struct EphemeralKey(Secret<32>);

impl EphemeralKey {
    /// The key of these bytes.
    #[must_use]
    pub fn of(secret: Secret<32>) -> Self {
        Self(secret)
    }
}

impl JournalKey for EphemeralKey {
    fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        Ok(SealedBlob::seal(&self.0, Label::StateAtRest, context, secret).as_bytes().to_vec())
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealingError> {
        Ok(SealedBlob::from_bytes(sealed.to_vec())?.open(&self.0, Label::StateAtRest, context)?)
    }
}
