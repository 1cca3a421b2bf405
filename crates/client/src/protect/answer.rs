//! What a call gets.

use sceau_element_api::documents::Datum;
use sceau_element_api::protect::{Accesses, AnswerParts, DataKeyError, DatumId, Erasure, Session};
use sceau_element_api::{ApplicationId, Base64Url};
use sceau_trace::{Evidence, VerifierKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{CbcKey, DataKey};
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
    document: Option<Box<RawValue>>,
    #[serde(default)]
    accesses: Option<Box<RawValue>>,
    #[serde(default)]
    erasure: Option<Box<RawValue>>,
    #[serde(default)]
    proof: Option<Evidence>,
}

impl Answer {
    /// Whether it is about the datum that was asked for; of a new one, nobody knew.
    pub(super) fn is_about(&self, asked: Option<DatumId>) -> bool {
        let theirs = match self.document() {
            Ok(document) => document.is_none_or(|document| document.id == self.datum),
            Err(_) => false,
        };
        theirs && asked.is_none_or(|asked| asked == self.datum)
    }

    /// Holds it to the log: that the element answered this call of the application's so.
    pub(super) fn verify(
        &self,
        call: &str,
        application: ApplicationId,
        log_key: &VerifierKey,
    ) -> Result<(), ClientError> {
        let document = self.document.as_ref().map(|text| sceau_crypto::sha256(text.get().as_bytes()));
        let parts = AnswerParts {
            call: &sceau_crypto::sha256(call.as_bytes()),
            datum: &self.datum,
            wrapped_key: self.wrapped_key.as_ref().map(|key| key.0.as_slice()),
            data_key: self.data_key.as_deref(),
            document: document.as_ref(),
            accesses: self.accesses.as_deref().map(RawValue::get),
            erasure: self.erasure.as_deref().map(RawValue::get),
        };
        let verified = parts.verify(self.proof.as_ref(), (application, self.index), log_key);
        verified.map_err(|error| ClientError::Unproven(error.to_string()))
    }

    /// What is said of the datum, where that was answered.
    pub(super) fn document(&self) -> Result<Option<Datum>, ClientError> {
        read(self.document.as_deref())
    }

    /// The accesses, where they were asked for.
    pub(super) fn accesses(&self) -> Result<Option<Accesses>, ClientError> {
        read(self.accesses.as_deref())
    }

    /// The certificate of erasure, where it was asked for.
    pub(super) fn erasure(&self) -> Result<Option<Erasure>, ClientError> {
        read(self.erasure.as_deref())
    }

    /// The data key, if it is encrypted to `session` in answer to `call`.
    pub(super) fn data_key(&self, session: &Session, call: &str) -> Result<DataKey, ClientError> {
        session.open(self.encrypted_key()?, &self.datum, call).map_err(of_another)
    }

    /// That of the datum at this place of a batch, likewise.
    pub(super) fn data_key_of_batch(
        &self,
        session: &Session,
        call: (&str, usize),
    ) -> Result<DataKey, ClientError> {
        session.open_of_batch(self.encrypted_key()?, &self.datum, call).map_err(of_another)
    }

    /// Key and vector of a content, likewise.
    pub(super) fn cbc_key(&self, session: &Session, call: &str) -> Result<CbcKey, ClientError> {
        session.open_content(self.encrypted_key()?, &self.datum, call).map_err(of_another)
    }

    fn encrypted_key(&self) -> Result<&str, ClientError> {
        self.data_key.as_deref().ok_or(ClientError::Answer)
    }
}

fn of_another(error: DataKeyError) -> ClientError {
    match error {
        DataKeyError::Session | DataKeyError::Call => ClientError::Unproven(error.to_string()),
        _ => ClientError::Answer,
    }
}

/// Reads a part, which was kept as it came: the log has the hash of its very bytes.
fn read<T: DeserializeOwned>(part: Option<&RawValue>) -> Result<Option<T>, ClientError> {
    part.map(|part| serde_json::from_str(part.get())).transpose().map_err(|_| ClientError::Answer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_about_another_datum_is_none() {
        let (asked, other) = (DatumId::random(), DatumId::random());
        let answer = |datum: DatumId, of: Option<DatumId>| -> Answer {
            let document = of.map(|id| {
                json!({
                    "v": 1, "id": id, "organisation": "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77",
                    "application": "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e78", "owner": "alice", "name": "", "tags": [],
                    "created": 1, "expires": 2, "valid_from": null, "valid_until": null, "status": "active", "grants": [],
                })
            });
            serde_json::from_value(json!({"datum": datum, "index": 1, "document": document})).unwrap()
        };
        assert!(answer(asked, Some(asked)).is_about(Some(asked)));
        assert!(answer(asked, None).is_about(Some(asked)));
        assert!(answer(asked, Some(asked)).is_about(None), "a new datum");
        assert!(!answer(other, None).is_about(Some(asked)));
        assert!(!answer(asked, Some(other)).is_about(Some(asked)), "what is said of another");
    }
}
