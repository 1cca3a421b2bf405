//! Identifiers of fixed size. In text and JSON each is lower-case hexadecimal, and nothing else parses.

/// Text that should have been an identifier is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected} lower-case hexadecimal characters were expected")]
pub struct IdError {
    /// Characters that the identifier has.
    pub expected: usize,
}

impl IdError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "id_malformed"
    }
}

/// Defines an identifier of a fixed number of bytes.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// From its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let malformed = $crate::IdError { expected: 2 * $length };
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(malformed);
                }
                let mut bytes = [0; $length];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| malformed)?;
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use hex_id;

hex_id! {
    /// Which recipient key: SHA-256(suite (2) ‖ public key).
    KeyId, 32
}
hex_id! {
    /// Which file version, drawn when the envelope is made: 16 random bytes, or for a file of a dossier 12 that name it and 4 random ones.
    FileId, 16
}
hex_id! {
    /// Which Ed25519 key: SHA-256("sceau/ed25519" ‖ 00 ‖ public key). For an organisation's root, what people compare.
    Fingerprint, 32
}

impl FileId {
    /// Draws a new one.
    #[must_use]
    pub fn random() -> Self {
        Self(crate::random())
    }

    /// Draws a new one for a file of a dossier: `SHA-256("sceau/file" ‖ 00 ‖ dossier)[0..12]`, then 4 random bytes. `dossier` is the id as
    /// text, a UUID of 36 ASCII characters. What is sealed under it belongs to no other dossier.
    #[must_use]
    pub fn of_dossier(dossier: &str) -> Self {
        let (mut id, drawn) = (dossier_hash(dossier), crate::random::<4>());
        for (byte, random) in id.iter_mut().skip(DOSSIER_BYTES).zip(drawn) {
            *byte = random;
        }
        Self(id)
    }

    /// Whether it was drawn for a file of this dossier.
    #[must_use]
    pub fn is_of_dossier(&self, dossier: &str) -> bool {
        self.0.iter().zip(dossier_hash(dossier)).take(DOSSIER_BYTES).all(|(byte, expected)| *byte == expected)
    }
}

/// How many bytes of a file's id name its dossier.
const DOSSIER_BYTES: usize = 12;

fn dossier_hash(dossier: &str) -> [u8; 16] {
    let hash = crate::Label::File.hash(&[dossier.as_bytes()]);
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    id
}

impl Fingerprint {
    /// As people read it aloud: groups of four characters, separated by spaces.
    #[must_use]
    pub fn grouped(&self) -> String {
        let text = self.to_string();
        let mut grouped = String::with_capacity(80);
        for (i, character) in text.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(character);
        }
        grouped
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    /// Computed by `printf` and `sha256sum`, so that other languages can be held to the same bytes.
    #[test]
    fn a_file_id_names_its_dossier_and_no_other() {
        let dossier = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11";
        let (one, two) = (FileId::of_dossier(dossier), FileId::of_dossier(dossier));
        assert_ne!(one, two);
        for id in [one, two] {
            assert!(id.to_string().starts_with("69df507e44c1d2d4b8f6315c"), "{id}");
            assert!(id.is_of_dossier(dossier) && !id.is_of_dossier("0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a12"));
        }
        let mut other = *one.as_bytes();
        other[11] ^= 1;
        assert!(!FileId::from_bytes(other).is_of_dossier(dossier), "each of the twelve bytes counts");
        assert!(!FileId::random().is_of_dossier(dossier));
    }

    #[test]
    fn text_form_is_lower_case_hexadecimal_only() {
        let id = FileId::from_bytes([0xAB; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!("ab".repeat(16).parse::<FileId>().unwrap(), id);
        for refused in ["AB".repeat(16), "ab".repeat(15), "ab".repeat(17), "zz".repeat(16), String::new()] {
            assert_eq!(refused.parse::<FileId>().unwrap_err().code(), "id_malformed", "{refused}");
        }
    }

    #[test]
    fn json_form_is_the_text_form() {
        let id = KeyId::from_bytes([1; 32]);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<KeyId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<KeyId>("\"0101\"").is_err());
    }

    #[test]
    fn fingerprints_are_grouped_for_people() {
        let grouped = Fingerprint::from_bytes([0x12; 32]).grouped();
        assert_eq!(grouped.split(' ').count(), 16);
        assert!(grouped.split(' ').all(|group| group == "1212"));
    }
}
