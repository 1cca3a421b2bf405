//! A data key, as it comes from the element: encrypted to a session, and bound to the call that it answers.

use sceau_crypto::jose::jwe::{Encrypted, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::{Cek, Secret, SecretBytes};
use serde::Deserialize;

use super::{DatumId, KeyMembers, SessionKey};
use crate::Base64Url;

/// A key of AES-256, and an initialisation vector for one text under it (docs/protect-a-field.md, *Encrypt once*).
#[derive(Debug)]
pub struct DataKey {
    /// The key.
    pub key: Secret<32>,
    /// The vector.
    pub iv: [u8; 12],
}

/// Key and vector of a content of the profile `cbc-rs256`, for one message.
#[derive(Debug)]
pub struct CbcKey {
    /// The key.
    pub key: Secret<32>,
    /// The vector.
    pub iv: [u8; 16],
    /// What has a message under it signed; none for who opens one.
    pub permit: Option<Base64Url>,
}

/// Why a data key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataKeyError {
    /// It has not the agreed form.
    #[error("the data key has not the agreed form")]
    Form,
    /// It is not for this session.
    #[error("the data key is not encrypted to this call’s key")]
    Session,
    /// It answers another call.
    #[error("the data key is of another call or datum; an older answer may have been given again")]
    Call,
}

/// The private key that data keys of a session are encrypted to. It stays in memory, which is wiped when it is dropped.
pub struct Session {
    private: PrivateKey,
    public: SessionKey,
}

/// What is encrypted: a JWK of the key, and which datum's and which call's it is. Borrowed, so that no copy of the key is left behind.
#[derive(Deserialize)]
struct Content<'a> {
    k: &'a str,
    iv: &'a str,
    kid: DatumId,
    call: &'a str,
    item: Option<usize>,
    permit: Option<&'a str>,
}

impl Session {
    /// Draws a key (X25519); none where it cannot be.
    #[must_use]
    pub fn draw() -> Option<Self> {
        let private = PrivateKey::generate(KeyKind::X25519, KeyAlgorithm::EcdhEs).ok()?;
        let mut jwk: serde_json::Value = serde_json::from_str(&private.public().jwk().to_json()).ok()?;
        // A session names its algorithm beside the key, and is for nothing else.
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| ["kty", "crv", "x"].contains(&name.as_str()));
        }
        let jwk: KeyMembers = serde_json::from_value(jwk).ok()?;
        Some(Self { private, public: SessionKey { alg: "ECDH-ES".to_owned(), jwk } })
    }

    /// What a call names.
    #[must_use]
    pub fn public(&self) -> &SessionKey {
        &self.public
    }

    /// Opens a data key that the element encrypted to this session in answer to `call`, for `datum`.
    ///
    /// # Errors
    /// [`DataKeyError`].
    pub fn open(&self, message: &str, datum: &DatumId, call: &str) -> Result<DataKey, DataKeyError> {
        self.read((message, datum), (call, None), DataKey::of)
    }

    /// Opens one that answers the datum at this place of a batch, and is for no other place.
    ///
    /// # Errors
    /// [`DataKeyError`].
    pub fn open_of_batch(
        &self,
        message: &str,
        datum: &DatumId,
        (batch, item): (&str, usize),
    ) -> Result<DataKey, DataKeyError> {
        self.read((message, datum), (batch, Some(item)), DataKey::of)
    }

    /// Opens key and vector of a content of the profile `cbc-rs256`, likewise.
    ///
    /// # Errors
    /// [`DataKeyError`].
    pub fn open_content(&self, message: &str, datum: &DatumId, call: &str) -> Result<CbcKey, DataKeyError> {
        self.read((message, datum), (call, None), |content| {
            let (key, iv) = content.key()?;
            let permit = content.permit.map(Base64Url::decode).transpose();
            Ok(CbcKey { key, iv, permit: permit.map_err(|_| DataKeyError::Form)? })
        })
    }

    fn read<T>(
        &self,
        (message, datum): (&str, &DatumId),
        (call, item): (&str, Option<usize>),
        take: impl FnOnce(&Content<'_>) -> Result<T, DataKeyError>,
    ) -> Result<T, DataKeyError> {
        let message = Encrypted::parse(message, KeyAlgorithm::HOUSE).map_err(|_| DataKeyError::Form)?;
        if message.typ() != Some("sceau-data-key") {
            return Err(DataKeyError::Form);
        }
        let text = message.decrypt(&self.private).map_err(|_| DataKeyError::Session)?;
        let content: Content<'_> = serde_json::from_slice(text.expose()).map_err(|_| DataKeyError::Form)?;
        if content.call != call || content.item != item || content.kid != *datum {
            return Err(DataKeyError::Call);
        }
        take(&content)
    }
}

impl Content<'_> {
    /// The key, and a vector of the length that its cipher takes.
    fn key<const IV: usize>(&self) -> Result<(Secret<32>, [u8; IV]), DataKeyError> {
        let key = SecretBytes::new(Base64Url::decode(self.k).map_err(|_| DataKeyError::Form)?.0);
        let key = Secret::from_slice(key.expose()).map_err(|_| DataKeyError::Form)?;
        let iv = Base64Url::decode(self.iv).ok().and_then(|iv| iv.0.try_into().ok());
        Ok((key, iv.ok_or(DataKeyError::Form)?))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("public", &self.public).finish_non_exhaustive()
    }
}

impl DataKey {
    fn of(content: &Content<'_>) -> Result<Self, DataKeyError> {
        let (key, iv) = content.key()?;
        Ok(Self { key, iv })
    }

    /// The key as the content key of an envelope, which draws a key of its own from it for each file.
    #[must_use]
    pub fn into_cek(self) -> Cek {
        Cek::from_secret(self.key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_crypto::jose::jwe::Fields;
    use serde_json::json;

    fn message(to: &Session, typ: &str, content: &serde_json::Value) -> String {
        let fields = Fields { typ: Some(typ), ..Fields::default() };
        to.private.public().encrypt(&fields, content.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_of_another_call_datum_session_or_kind_is_not_taken() {
        let (mine, other) = (Session::draw().unwrap(), Session::draw().unwrap());
        let (datum, stranger) = (DatumId::random(), DatumId::random());
        let part = |length: usize| Base64Url(vec![7; length]).encode();
        let content = |k: usize, iv: usize, kid: DatumId, call: &str| json!({"kty": "oct", "alg": "A256GCM", "k": part(k), "iv": part(iv), "kid": kid, "call": call});
        let good = content(32, 12, datum, "this-call");
        let opened = mine.open(&message(&mine, "sceau-data-key", &good), &datum, "this-call").unwrap();
        assert_eq!((opened.key.expose(), opened.iv), (&[7; 32], [7; 12]));
        for (wrong, why) in [
            (message(&other, "sceau-data-key", &good), DataKeyError::Session),
            (message(&mine, "jwt", &good), DataKeyError::Form),
            (message(&mine, "sceau-data-key", &content(32, 12, datum, "last-call")), DataKeyError::Call),
            (message(&mine, "sceau-data-key", &content(32, 12, stranger, "this-call")), DataKeyError::Call),
            (message(&mine, "sceau-data-key", &content(16, 12, datum, "this-call")), DataKeyError::Form),
            (message(&mine, "sceau-data-key", &content(32, 16, datum, "this-call")), DataKeyError::Form),
            (message(&mine, "sceau-data-key", &json!({})), DataKeyError::Form),
            (String::new(), DataKeyError::Form),
        ] {
            assert_eq!(mine.open(&wrong, &datum, "this-call").unwrap_err(), why, "{wrong}");
        }
    }

    #[test]
    fn of_a_batch_each_is_for_its_place() {
        let (mine, datum, part) = (Session::draw().unwrap(), DatumId::random(), |length: usize| {
            Base64Url(vec![7; length]).encode()
        });
        let content = json!({"k": part(32), "iv": part(12), "kid": datum, "call": "this-batch"});
        let mut placed = content.clone();
        placed["item"] = json!(3);
        let (alone, placed) =
            [content, placed].map(|content| message(&mine, "sceau-data-key", &content)).into();
        mine.open_of_batch(&placed, &datum, ("this-batch", 3)).unwrap();
        for wrong in [
            mine.open_of_batch(&placed, &datum, ("this-batch", 2)),
            mine.open_of_batch(&placed, &datum, ("last-batch", 3)),
            mine.open_of_batch(&alone, &datum, ("this-batch", 3)),
            mine.open(&placed, &datum, "this-batch"),
        ] {
            assert_eq!(wrong.unwrap_err(), DataKeyError::Call);
        }
    }

    #[test]
    fn a_session_says_its_public_key_and_nothing_else() {
        let said = serde_json::to_value(Session::draw().unwrap().public()).unwrap();
        assert_eq!(said["alg"], "ECDH-ES");
        let mut members: Vec<&String> = said["jwk"].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["crv", "kty", "x"]);
    }
}
