use crate::{NoteError, sha256};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// What a verifier key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the note's text.
    Ed25519,
    /// Type 0x04: a witness's timestamped Ed25519 cosignature (C2SP tlog-cosignature).
    Cosignature,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            KeyKind::Ed25519 => 0x01,
            KeyKind::Cosignature => 0x04,
        }
    }
}

/// A named public key, printed as `name+id+base64` (C2SP signed-note, "vkey").
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: [u8; 32],
}

impl VerifierKey {
    /// A key with its name: not empty, no white space, no plus sign.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::BadKey("its name is empty or has white space or a plus sign"));
        }
        Ok(VerifierKey { name: name.to_owned(), kind, public })
    }

    /// Reads `name+id+base64`; the id must be that of the key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(NoteError::BadKey("it is not name+id+base64"));
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::BadKey("its base64"))?;
        let (kind, public) = match bytes.split_first() {
            Some((0x01, public)) => (KeyKind::Ed25519, public),
            Some((0x04, public)) => (KeyKind::Cosignature, public),
            _ => return Err(NoteError::BadKey("its type is unknown")),
        };
        let public = public.try_into().map_err(|_| NoteError::BadKey("it is not 32 bytes long"))?;
        let key = VerifierKey::new(name, kind, public)?;
        if hex::encode(key.id()) == id { Ok(key) } else { Err(NoteError::BadKey("its id is another key's")) }
    }

    /// The name; of a log key, the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The raw Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key).
    pub fn id(&self) -> [u8; 4] {
        let bytes = [self.name.as_bytes(), b"\n", &[self.kind.byte()], &self.public].concat();
        let [a, b, c, d, ..] = *sha256(&bytes).as_bytes();
        [a, b, c, d]
    }

    pub(crate) fn verify_raw(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(message, signature).map_err(|_| NoteError::BadSignature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()], self.public.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        VerifierKey::parse(text)
    }
}

impl Serialize for VerifierKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifierKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        VerifierKey::parse(&text).map_err(serde::de::Error::custom)
    }
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
