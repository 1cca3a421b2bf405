//! The JSON of the vectors; `vectors/README.md` describes it.

use std::collections::BTreeMap;
use std::ops::Deref;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::envelope::EnvelopeHash;
use crate::{FileId, KeyId, RecipientSuite};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vectors {
    pub(super) format: String,
    pub(super) plaintext: String,
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) envelopes: Vec<Positive>,
    pub(super) negative: Vec<Negative>,
}

impl Vectors {
    pub(super) fn envelope(&self, name: &str) -> &Positive {
        self.envelopes.iter().find(|envelope| envelope.name == name).unwrap()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) suite: RecipientSuite,
    pub(super) key_id: KeyId,
    pub(super) public_key: Base64,
    pub(super) private_key: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Positive {
    pub(super) name: String,
    pub(super) recipients: Vec<String>,
    pub(super) metadata: Names,
    pub(super) cek: Hex,
    pub(super) file_id: FileId,
    pub(super) metadata_nonce: Hex,
    pub(super) salt: Hex,
    pub(super) nonce_prefix: Hex,
    pub(super) header: Base64,
    pub(super) associated_data: Hex,
    pub(super) size: u64,
    pub(super) part_sha256: Vec<Hex>,
    pub(super) envelope_hash: EnvelopeHash,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) media_type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Negative {
    pub(super) name: String,
    pub(super) of: String,
    pub(super) changes: Vec<Change>,
    pub(super) key: String,
    pub(super) code: String,
}

/// A change to a whole envelope; offsets count from its first byte.
#[derive(Serialize, Deserialize, Clone)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Change {
    Flip { at: usize, mask: u8 },
    Cut { at: usize, length: usize },
    Insert { at: usize, bytes: Hex },
    SwapParts { a: usize, b: usize },
    RepeatPart { part: usize },
    ReplaceHeader { header: Base64 },
    HeaderOf { envelope: String },
}

macro_rules! text_bytes {
    ($name:ident, $encode:expr, $decode:expr) => {
        #[derive(Clone, PartialEq, Debug)]
        pub(super) struct $name(pub(super) Vec<u8>);

        impl Deref for $name {
            type Target = Vec<u8>;
            fn deref(&self) -> &Vec<u8> {
                &self.0
            }
        }

        impl PartialEq<$name> for Vec<u8> {
            fn eq(&self, other: &$name) -> bool {
                *self == other.0
            }
        }

        impl PartialEq<$name> for [u8] {
            fn eq(&self, other: &$name) -> bool {
                self == other.0
            }
        }

        impl PartialEq<$name> for &[u8] {
            fn eq(&self, other: &$name) -> bool {
                *self == other.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$encode(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $decode(&text).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_bytes!(Hex, hex::encode::<&Vec<u8>>, hex::decode::<&String>);
text_bytes!(Base64, |bytes: &Vec<u8>| URL_SAFE_NO_PAD.encode(bytes), |text: &String| URL_SAFE_NO_PAD
    .decode(text));
