//! The RSA keys of calls and answers that are tokens: one signs, the others decrypt.

use std::sync::Arc;

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::jose::jwe::{DecryptionKey, KeyAlgorithm, Unavailable};
use sceau_crypto::{FileId, KeyError, SecretBytes};
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Operations, Provider};

use crate::protect::statement_key::StatementKey;

/// The label of the key that signs answers.
const SIGNING: &str = "protect-token-sign";
/// The label of the key that calls are encrypted to.
const OPENING: &str = "protect-token-open";
/// The label of the one that calls are encrypted to by RSA-OAEP with SHA-1.
const OPENING_SHA1: &str = "protect-token-open-sha1";

/// The keys, of 3,072 bits, in a provider. They are made before the process confines itself; nothing that is kept depends on them.
pub struct TokenKeys {
    provider: Arc<dyn Provider>,
    answers: StatementKey,
    opening: Vec<CallKey>,
}

/// A key that calls are encrypted to.
pub(crate) struct CallKey {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    algorithm: KeyAlgorithm,
    public: PublicJwk,
}

impl TokenKeys {
    /// Finds the key that signs and the one that decrypts, or makes them.
    ///
    /// # Errors
    /// What the provider says.
    pub fn open(provider: Arc<dyn Provider>, now: u64) -> Result<Self, Error> {
        let answers = StatementKey::found_or_made(Arc::clone(&provider), SIGNING, now)?;
        let key = provider.find_or_generate(KeyKind::RsaOaep256, &KeyLabel::new(OPENING)?, now)?;
        let algorithm = KeyAlgorithm::RsaOaep256;
        let public = PublicJwk::of_rsa_recipient(provider.recipient_key(&key)?.public(), algorithm)
            .map_err(|_| KeyError::Malformed)?;
        let opening = vec![CallKey { provider: Arc::clone(&provider), key, algorithm, public }];
        Ok(Self { provider, answers, opening })
    }

    /// The same, and one beside that calls are encrypted to by RSA-OAEP with SHA-1: another key, since none is for two algorithms.
    ///
    /// # Errors
    /// What the provider says.
    pub(crate) fn with_sha1(mut self, now: u64) -> Result<Self, Error> {
        let provider = Arc::clone(&self.provider);
        let label = KeyLabel::new(OPENING_SHA1)?;
        let key = provider.find_or_generate(KeyKind::DangerRsaOaepSha1, &label, now)?;
        let public = provider.danger_sha1_key(&key)?;
        self.opening.push(CallKey { provider, key, algorithm: KeyAlgorithm::DangerRsaOaepSha1, public });
        Ok(self)
    }

    /// The key that answers verify under.
    pub(in crate::protect) fn verifies(&self) -> &PublicJwk {
        self.answers.public()
    }

    /// The keys that calls are encrypted to, each by its algorithm.
    pub(crate) fn opening(&self) -> &[CallKey] {
        &self.opening
    }

    /// Signs claims as a token.
    pub(super) fn sign(&self, claims: &[u8]) -> Result<String, Error> {
        self.answers.sign("JWT", claims)
    }
}

impl CallKey {
    /// Its public part, named by its thumbprint.
    pub(in crate::protect) fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.public.kid().unwrap_or_default()
    }

    fn unwrap(&self, encrypted_key: &[u8]) -> Result<SecretBytes, Error> {
        let cek = if self.algorithm == KeyAlgorithm::DangerRsaOaepSha1 {
            self.provider.danger_unwrap_sha1(&self.key, encrypted_key)?
        } else {
            // The suite of envelopes is the same RSAES-OAEP with an empty label, and a content key of 32 octets; it binds no file.
            let operation = "unwrapping";
            let unwrapping = self.provider.unwrapping();
            let unwrapping =
                unwrapping.ok_or(Error::Unsupported { scheme: self.provider.scheme(), operation })?;
            unwrapping.unwrap_cek(&self.key, &FileId::random(), encrypted_key)?
        };
        Ok(SecretBytes::from(cek.expose().as_slice()))
    }
}

impl DecryptionKey for CallKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    fn decrypt_oaep(&self, encrypted_key: &[u8]) -> Result<Option<SecretBytes>, Unavailable> {
        match self.unwrap(encrypted_key) {
            Ok(key) => Ok(Some(key)),
            Err(Error::Unwrap(_)) => Ok(None),
            Err(error) => Err(Unavailable::new(error)),
        }
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKeys(redacted)")
    }
}
