//! Templates: embeddings of a face, sealed so that this process alone opens them, for the keyring, terminal and model that they were made for.
//!
//! The key is in the keystore of this process; the template is with the holder's terminal. Neither says anything without the other.

use std::sync::Arc;

use sceau_element_api::{KeyringId, TerminalId};
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Operations as _, Provider};
use sceau_trace::Hash;
use zeroize::Zeroizing;

const LABEL: &str = "face-templates";

/// A template does not open here, or cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It was made for another place, under another key, or altered.
    #[error("the template does not open: it is of another keyring, terminal, model or process")]
    Elsewhere,
    /// The keystore does not work.
    #[error("the key of templates cannot be used: {0}")]
    Keystore(#[from] Error),
}

/// Seals and opens templates.
pub struct Templates {
    keystore: Arc<dyn Provider>,
    key: KeyRef,
}

impl Templates {
    /// With the key of a keystore, which is made the first time at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`TemplateError::Keystore`].
    pub fn of(keystore: Arc<dyn Provider>, now: u64) -> Result<Self, TemplateError> {
        let key = keystore.find_or_generate(KeyKind::Aes256Gcm, &KeyLabel::new(LABEL)?, now)?;
        Ok(Self { keystore, key })
    }

    /// Seals an embedding.
    ///
    /// # Errors
    /// [`TemplateError::Keystore`].
    pub fn seal(
        &self,
        (keyring, terminal, model): (KeyringId, TerminalId, Hash),
        embedding: &[f32],
    ) -> Result<Vec<u8>, TemplateError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(embedding.len() * 4));
        embedding.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        Ok(self.keystore.seal(&self.key, &place(keyring, terminal, model), &bytes)?)
    }

    /// Opens one.
    ///
    /// # Errors
    /// [`TemplateError::Elsewhere`].
    pub fn open(
        &self,
        (keyring, terminal, model): (KeyringId, TerminalId, Hash),
        template: &[u8],
    ) -> Result<Zeroizing<Vec<f32>>, TemplateError> {
        let opened = self.keystore.open(&self.key, &place(keyring, terminal, model), template);
        let bytes = opened.map_err(|_| TemplateError::Elsewhere)?;
        let (values, []) = bytes.expose().as_chunks::<4>() else { return Err(TemplateError::Elsewhere) };
        Ok(Zeroizing::new(values.iter().map(|value| f32::from_le_bytes(*value)).collect()))
    }
}

/// Fields of fixed size.
fn place(keyring: KeyringId, terminal: TerminalId, model: Hash) -> Vec<u8> {
    [b"face/".as_slice(), keyring.as_bytes(), terminal.as_bytes(), model.as_bytes()].concat()
}
