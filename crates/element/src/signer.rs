//! The element's keys, wherever they are kept: the one that signs the log, and the one that seals its journal.

use std::sync::Arc;

use sceau_crypto::{Secret, SigningKey};
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations, Provider};
use sceau_trace::{CheckpointError, KeyKind as NoteKind, VerifierKey};

use crate::protect::{DatumKeys, EpochTerms};
use crate::sealing::{EphemeralKey, JournalKey, ProviderKey};

/// The label of the log's key in the provider.
const LOG: &str = "element-log";
/// The label of the key that seals the journal.
const JOURNAL: &str = "element-journal";

/// Signing failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The provider cannot.
    #[error("the log's key cannot be used: {0}")]
    Provider(#[from] sceau_hsm::Error),
    /// A key that protects data is missing, or the provider cannot use it.
    #[error(
        "the keys that protect data cannot be used: {0}; bring the keystore back that they were made in, since no other opens what they protect"
    )]
    Protection(sceau_hsm::Error),
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

    /// The key that seals the journal of this log.
    fn journal_key(&self) -> Arc<dyn JournalKey>;

    /// The keys that protect data, where this element does: those of the tenants that the log knows (`in_use`, the present epoch of each) are found,
    /// others made.
    ///
    /// # Errors
    /// When a key in use is missing, or the provider fails.
    fn datum_keys(&self, in_use: &[u32]) -> Result<Option<DatumKeys>, SignerError> {
        let _ = in_use;
        Ok(None)
    }
}

/// The log's keys in a provider (software keystore or HSM).
pub struct ProviderSigner {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    journal: KeyRef,
    verifier: VerifierKey,
    tenants: u32,
    terms: EpochTerms,
    opened: u64,
}

impl ProviderSigner {
    /// Finds the log's keys, or makes them where `may_create` says so: a log that exists keeps its keys.
    ///
    /// # Errors
    /// When there is no such key, or the provider fails.
    pub fn open(
        provider: Arc<dyn Provider>,
        origin: &str,
        may_create: bool,
        now: u64,
    ) -> Result<Self, SignerError> {
        let find = |name, kind| -> Result<KeyRef, SignerError> {
            let label = KeyLabel::new(name)?;
            Ok(if may_create {
                provider.find_or_generate(kind, &label, now)?
            } else {
                provider.find(&format!("{}:{label}", provider.scheme()).parse()?)?.key
            })
        };
        let (key, journal) = (find(LOG, KeyKind::Ed25519)?, find(JOURNAL, KeyKind::Aes256Gcm)?);
        let public = provider.verifying_key(&key)?;
        let verifier = VerifierKey::new(origin, NoteKind::Ed25519, *public.as_bytes());
        Ok(Self {
            provider,
            key,
            journal,
            verifier: verifier.map_err(CheckpointError::from)?,
            tenants: 0,
            terms: EpochTerms::default(),
            opened: now,
        })
    }

    /// Lets so many organisations protect data under keys of the same provider.
    #[must_use]
    pub fn with_tenants(self, tenants: u32) -> Self {
        Self { tenants, ..self }
    }

    /// With these terms of their epochs.
    #[must_use]
    pub fn with_terms(self, terms: EpochTerms) -> Self {
        Self { terms, ..self }
    }
}

impl LogSigner for ProviderSigner {
    fn key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(crate::sealing::patiently(|| self.provider.sign(&self.key, text))?)
    }

    fn journal_key(&self) -> Arc<dyn JournalKey> {
        Arc::new(ProviderKey { provider: Arc::clone(&self.provider), key: self.journal.clone() })
    }

    fn datum_keys(&self, in_use: &[u32]) -> Result<Option<DatumKeys>, SignerError> {
        if self.tenants == 0 {
            return Ok(None);
        }
        let keys = DatumKeys::open(Arc::clone(&self.provider), in_use, self.tenants, self.opened)?;
        Ok(Some(keys.with_terms(self.terms)))
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

    fn journal_key(&self) -> Arc<dyn JournalKey> {
        // Of the signing key, so that two signers of one key read one journal: Ed25519 signs the same text the same way.
        let secret = sceau_crypto::sha256(&self.key.sign(JOURNAL.as_bytes()));
        Arc::new(EphemeralKey::of(Secret::fill_with(|bytes| bytes.copy_from_slice(&secret))))
    }
}
