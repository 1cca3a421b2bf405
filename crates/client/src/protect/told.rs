//! What a call gets.

use sceau_crypto::jose::jwe::PrivateKey;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::Datum;
use sceau_element_api::protect::{Accesses, DatumId};
use serde::Deserialize;

use super::DataKey;
use crate::ClientError;

/// A new datum, and its first data key.
#[derive(Debug)]
pub struct Protected {
    /// The datum; kept with what is encrypted.
    pub datum: DatumId,
    /// Index of the call's record in the log.
    pub index: u64,
    /// The data key as the element wrapped it; kept with what is encrypted.
    pub wrapped_key: Vec<u8>,
    /// The data key, to encrypt with, and to forget.
    pub key: DataKey,
}

/// A call that was recorded.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Index of the call's record in the log.
    pub index: u64,
    /// What is now said of the datum, where that changed.
    pub document: Option<Datum>,
}

/// An answer of the keyfront's.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) datum: DatumId,
    pub(super) index: u64,
    #[serde(default)]
    pub(super) wrapped_key: Option<Base64Url>,
    #[serde(default)]
    data_key: Option<String>,
    #[serde(default)]
    pub(super) document: Option<Datum>,
    #[serde(default)]
    pub(super) accesses: Option<Accesses>,
}

impl Answer {
    /// The data key, if it is encrypted to `private` in answer to `call`.
    pub(super) fn data_key(&self, private: &PrivateKey, call: &str) -> Result<DataKey, ClientError> {
        let message = self.data_key.as_deref().ok_or(ClientError::Answer)?;
        DataKey::open(message, private, &self.datum, call)
    }
}
