//! The log's signing key, wherever it is kept.

use std::sync::Arc;

use sceau_crypto::SigningKey;
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations, Provider};
use sceau_trace::{CheckpointError, KeyKind as NoteKind, VerifierKey};

/// The label of the log's key in the provider.
const LABEL: &str = "element-log";

/// Signing failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The provider cannot.
    #[error("the log's key cannot be used: {0}")]
    Provider(#[from] sceau_hsm::Error),
    /// The checkpoint cannot be made, or the provider's signature does not verify.
    #[error("the checkpoint cannot be signed: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Signs checkpoints, one for each batch.
pub trait LogSigner: Send {
    /// The key that they verify under; its name is the log's origin.
    fn key(&self) -> &VerifierKey;

    /// The Ed25519 signature of a checkpoint's text.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignerError>;
}

/// The log's key in a provider (software keystore or HSM).
pub struct ProviderSigner {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    verifier: VerifierKey,
}

impl ProviderSigner {
    /// Finds the log's key, or makes it where `may_create` says so: a log that exists keeps its key.
    ///
    /// # Errors
    /// When there is no such key, or the provider fails.
    pub fn open(
        provider: Arc<dyn Provider>,
        origin: &str,
        may_create: bool,
        now: u64,
    ) -> Result<Self, SignerError> {
        let label = KeyLabel::new(LABEL)?;
        let key = if may_create {
            provider.find_or_generate(KeyKind::Ed25519, &label, now)?
        } else {
            provider.find(&format!("{}:{label}", provider.scheme()).parse()?)?.key
        };
        let public = provider.verifying_key(&key)?;
        let verifier = VerifierKey::new(origin, NoteKind::Ed25519, *public.as_bytes());
        Ok(Self { provider, key, verifier: verifier.map_err(CheckpointError::from)? })
    }
}

impl LogSigner for ProviderSigner {
    fn key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(self.provider.sign(&self.key, text)?)
    }
}

/// A log key that lives as long as its process: for tests, also of other rooms. A log signed with it is gone at the next start.
pub struct EphemeralSigner {
    key: SigningKey,
    verifier: VerifierKey,
}

impl EphemeralSigner {
    /// A new key for the log named `origin`.
    ///
    /// # Errors
    /// When the name cannot be a log's.
    pub fn new(origin: &str) -> Result<Self, SignerError> {
        Self::of(origin, SigningKey::generate())
    }

    /// The key given: two signers of one key are one log.
    ///
    /// # Errors
    /// When the name cannot be a log's.
    pub fn of(origin: &str, key: SigningKey) -> Result<Self, SignerError> {
        let verifier = VerifierKey::new(origin, NoteKind::Ed25519, *key.verifying_key().as_bytes());
        Ok(Self { key, verifier: verifier.map_err(CheckpointError::from)? })
    }
}

impl LogSigner for EphemeralSigner {
    fn key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(self.key.sign(text))
    }
}
