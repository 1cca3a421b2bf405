//! A key of the keystore that signs what the element says, for readers that know RSA alone.

use std::sync::Arc;

use sceau_crypto::jose::{PublicJwk, rs256_input, rs256_token};
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Operations, Provider};

/// An RSA key, of 3,072 bits, in a provider.
pub(super) struct StatementKey {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    public: PublicJwk,
}

impl StatementKey {
    /// The key of this label, made at `now` where there is none.
    ///
    /// # Errors
    /// What the provider says.
    pub(super) fn found_or_made(provider: Arc<dyn Provider>, label: &str, now: u64) -> Result<Self, Error> {
        let key = provider.find_or_generate(KeyKind::Rs256, &KeyLabel::new(label)?, now)?;
        Self::of(provider, key)
    }

    /// The key of this label, which must be there, and sign.
    ///
    /// # Errors
    /// What the provider says.
    pub(super) fn found(provider: Arc<dyn Provider>, label: &str) -> Result<Self, Error> {
        let label = KeyLabel::new(label)?;
        let key = provider.find(&format!("{}:{label}", provider.scheme()).parse()?)?.key;
        // An entry may be there whose key is not, in a token.
        provider.sign_rs256(&key, b"try")?;
        Self::of(provider, key)
    }

    fn of(provider: Arc<dyn Provider>, key: KeyRef) -> Result<Self, Error> {
        let public = provider.rs256_key(&key)?;
        Ok(Self { provider, key, public })
    }

    /// Its public part.
    pub(super) fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// What it is called: its thumbprint.
    pub(super) fn name(&self) -> &str {
        self.public.kid().unwrap_or_default()
    }

    /// Signs claims as a JWS of this `typ`.
    ///
    /// # Errors
    /// What the provider says.
    pub(super) fn sign(&self, typ: &str, claims: &[u8]) -> Result<String, Error> {
        let input = rs256_input(typ, self.name(), claims);
        let signature = self.provider.sign_rs256(&self.key, input.as_bytes())?;
        Ok(rs256_token(input, &signature))
    }
}
