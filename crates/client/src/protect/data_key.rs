//! A data key, as it comes from the element.

use sceau_crypto::jose::jwe::{Encrypted, KeyAlgorithm, PrivateKey};
use sceau_crypto::{Cek, Secret};
use sceau_element_api::Base64Url;
use sceau_element_api::protect::DatumId;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::ClientError;

/// A key of AES-256, and an initialisation vector for one text under it (docs/protect-a-field.md, *Encrypt once*).
#[derive(Debug)]
pub struct DataKey {
    /// The key.
    pub key: Secret<32>,
    /// The vector.
    pub iv: [u8; 12],
}

/// What is encrypted: a JWK of the key, and which datum's and which call's it is.
#[derive(Deserialize)]
struct Content {
    #[serde(deserialize_with = "crate::machine::secret")]
    k: Zeroizing<String>,
    iv: String,
    kid: DatumId,
    call: String,
}

impl DataKey {
    /// Opens what the element encrypted to `private` in answer to `call`, for `datum`.
    pub(super) fn open(
        message: &str,
        private: &PrivateKey,
        datum: &DatumId,
        call: &str,
    ) -> Result<Self, ClientError> {
        let unproven = |words: &str| ClientError::Unproven(words.to_owned());
        let message = Encrypted::parse(message, KeyAlgorithm::HOUSE).map_err(|_| ClientError::Answer)?;
        if message.typ() != Some("sceau-data-key") {
            return Err(ClientError::Answer);
        }
        let text = message
            .decrypt(private)
            .map_err(|_| unproven("the data key is not encrypted to this call’s key"))?;
        let content: Content = serde_json::from_slice(text.expose()).map_err(|_| ClientError::Answer)?;
        if content.call != call || content.kid != *datum {
            return Err(unproven(
                "the data key is of another call or datum; an older answer may have been given again",
            ));
        }
        let key = Zeroizing::new(Base64Url::decode(&content.k).map_err(|_| ClientError::Answer)?.0);
        let key = Secret::from_slice(&key).map_err(|_| ClientError::Answer)?;
        let iv = Base64Url::decode(&content.iv).ok().and_then(|iv| iv.0.try_into().ok());
        Ok(Self { key, iv: iv.ok_or(ClientError::Answer)? })
    }

    /// The key as the content key of an envelope, which draws a key of its own from it for each file.
    #[must_use]
    pub fn into_content_key(self) -> Cek {
        Cek::from_secret(self.key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_crypto::jose::jwe::{Fields, KeyKind};
    use serde_json::json;

    fn session() -> PrivateKey {
        PrivateKey::generate(KeyKind::X25519, KeyAlgorithm::EcdhEs).unwrap()
    }

    fn message(to: &PrivateKey, typ: &str, content: &serde_json::Value) -> String {
        let fields = Fields { typ: Some(typ), ..Fields::default() };
        to.public().encrypt(&fields, content.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_of_another_call_datum_session_or_kind_is_not_taken() {
        let (mine, other) = (session(), session());
        let (datum, stranger) = (DatumId::random(), DatumId::random());
        let part = |length: usize| Base64Url(vec![7; length]).encode();
        let content = |k: usize, iv: usize, kid: DatumId, call: &str| json!({"kty": "oct", "alg": "A256GCM", "k": part(k), "iv": part(iv), "kid": kid, "call": call});
        let good = content(32, 12, datum, "this-call");
        let opened =
            DataKey::open(&message(&mine, "sceau-data-key", &good), &mine, &datum, "this-call").unwrap();
        assert_eq!((opened.key.expose(), opened.iv), (&[7; 32], [7; 12]));
        for wrong in [
            message(&other, "sceau-data-key", &good),
            message(&mine, "jwt", &good),
            message(&mine, "sceau-data-key", &content(32, 12, datum, "last-call")),
            message(&mine, "sceau-data-key", &content(32, 12, stranger, "this-call")),
            message(&mine, "sceau-data-key", &content(16, 12, datum, "this-call")),
            message(&mine, "sceau-data-key", &content(32, 16, datum, "this-call")),
            message(&mine, "sceau-data-key", &json!({})),
            String::new(),
        ] {
            assert!(DataKey::open(&wrong, &mine, &datum, "this-call").is_err(), "{wrong}");
        }
    }
}
