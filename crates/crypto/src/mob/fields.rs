//! The four fields that go with a subscription.

use serde::{Deserialize, Serialize};

/// Key and IV of a dossier, each encrypted to the organisation's key; JSON as MOB has it, base64 with padding (RFC 4648, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionFields {
    /// Which key of the organisation: the id under which it was published.
    #[serde(rename = "encryptionKeyId")]
    pub key_id: String,
    /// Which version of that key.
    #[serde(rename = "encryptionKeyVersion")]
    pub key_version: u32,
    /// The AES key under RSA-OAEP: 256 bytes.
    #[serde(rename = "encryptedAESKey", with = "base64_text")]
    pub aes_key: Vec<u8>,
    /// The IV under RSA-OAEP: 256 bytes.
    #[serde(rename = "encryptedIV", with = "base64_text")]
    pub iv: Vec<u8>,
}

mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("base64 was expected"))
    }
}
