//! The element's keys, wherever they are kept: the one that signs the log, and the one that seals its journal.

use std::sync::Arc;
use std::time::Duration;

use sceau_crypto::{Secret, SigningKey};
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations, Provider};
use sceau_trace::{CheckpointError, KeyKind as NoteKind, VerifierKey};

use crate::clock::Clock;
use crate::event::KeyringsBegun;
use crate::keyring::{KeyringKeys, KeyringsError};
use crate::protect::{DatumKeys, EpochTerms};
use crate::retention::{JournalMonths, PersonalKeys, RetainMonths};
use crate::sealing::{EphemeralKey, JournalKey, PATIENCE, ProviderKey};

/// The label of the log's key in the provider.
const LOG: &str = "element-log";
/// The label of the key that seals the journal.
const JOURNAL: &str = "element-journal";

/// The detail of a record of a start that names the key of contents.
pub(crate) const CONTENT_KEY: &str = "content_key";

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
    /// The key that signs contents is not the one that the journal names.
    #[error(
        "the key that signs contents is another one than this element's, which is {named}: bring the keystore back that has it, since no content that was signed with it opens by another"
    )]
    OtherContentKey {
        /// What it is called.
        named: String,
    },
    /// Keyrings cannot be served.
    #[error(transparent)]
    Keyrings(#[from] KeyringsError),
    /// The checkpoint cannot be made, or the provider's signature does not verify.
    #[error("the checkpoint cannot be signed: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Keys of data that the journal speaks of.
#[derive(Debug, Default)]
pub struct KeysInUse {
    /// The present epoch of each organisation that protects data, in the order of the numbers of their keys.
    pub epochs: Vec<u32>,
    /// What the key that signs contents is called: its thumbprint.
    pub contents: Option<String>,
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

    /// The keys that protect data, where this element does: those that the log knows (`in_use`) are found,
    /// others made.
    ///
    /// # Errors
    /// When a key in use is missing, or the provider fails.
    fn datum_keys(&self, in_use: &KeysInUse) -> Result<Option<DatumKeys>, SignerError> {
        let _ = in_use;
        Ok(None)
    }

    /// The keys of keyrings, where this element serves them: those that they began with are found, others made.
    ///
    /// # Errors
    /// When a key is missing, the provider cannot, or another security officer is named.
    fn keyring_keys(&self, begun: Option<&KeyringsBegun>) -> Result<Option<KeyringKeys>, SignerError> {
        let _ = begun;
        Ok(None)
    }

    /// The keys of months, where data are protected here, or were: of the months that the journal speaks of, and of those that come.
    ///
    /// # Errors
    /// When a key that is to be there is missing, or the provider fails.
    fn personal_keys(
        &self,
        months: &JournalMonths,
        clock: Clock,
    ) -> Result<Option<PersonalKeys>, SignerError> {
        let _ = (months, clock);
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
    rsa_oaep: bool,
    terms: EpochTerms,
    retain: RetainMonths,
    officer: Option<Vec<u8>>,
    patience: Duration,
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
            rsa_oaep: false,
            terms: EpochTerms::default(),
            retain: RetainMonths::default(),
            officer: None,
            patience: PATIENCE,
            opened: now,
        })
    }

    /// Serving keyrings, of this security officer's certificate (DER).
    #[must_use]
    pub fn with_keyrings(self, officer: Option<Vec<u8>>) -> Self {
        Self { officer, ..self }
    }

    /// Lets so many organisations protect data under keys of the same provider.
    #[must_use]
    pub fn with_tenants(self, tenants: u32) -> Self {
        Self { tenants, ..self }
    }

    /// Whether calls may come encrypted by RSA-OAEP with SHA-1 too.
    #[must_use]
    pub fn with_rsa_oaep(self, rsa_oaep: bool) -> Self {
        Self { rsa_oaep, ..self }
    }

    /// The same, where who asked is kept for so long.
    #[must_use]
    pub fn retaining(self, retain: RetainMonths) -> Self {
        Self { retain, ..self }
    }

    /// Waiting for so long for keys that are away before what is to be recorded fails.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
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
        Ok(crate::sealing::patiently(self.patience, || self.provider.sign(&self.key, text))?)
    }

    fn journal_key(&self) -> Arc<dyn JournalKey> {
        let (provider, key, patience) = (Arc::clone(&self.provider), self.journal.clone(), self.patience);
        Arc::new(ProviderKey { provider, key, patience })
    }

    fn datum_keys(&self, in_use: &KeysInUse) -> Result<Option<DatumKeys>, SignerError> {
        if self.tenants == 0 {
            return Ok(None);
        }
        let keys = DatumKeys::open(Arc::clone(&self.provider), in_use, self.tenants, self.opened)?;
        let keys = if self.rsa_oaep { keys.with_rsa_oaep()? } else { keys };
        Ok(Some(keys.with_terms(self.terms)))
    }

    fn keyring_keys(&self, begun: Option<&KeyringsBegun>) -> Result<Option<KeyringKeys>, SignerError> {
        let Some(officer) = &self.officer else { return Ok(None) };
        let provider = Arc::clone(&self.provider);
        Ok(Some(KeyringKeys::open(provider, self.verifier.name(), officer, begun, self.opened)?))
    }

    fn personal_keys(
        &self,
        months: &JournalMonths,
        clock: Clock,
    ) -> Result<Option<PersonalKeys>, SignerError> {
        let (provider, prepares) = (Arc::clone(&self.provider), self.tenants > 0);
        let keys = PersonalKeys::open(provider, self.retain, months, prepares, clock)?;
        let keys = keys.patient(self.patience);
        Ok(Some(keys).filter(|keys| prepares || !keys.months().is_empty()))
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
