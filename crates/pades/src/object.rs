//! Objects of a document (ISO 32000-1 §7.3).

pub(crate) use crate::dictionary::Dictionary;

/// Which object: its number and its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reference {
    pub(crate) number: u32,
    pub(crate) generation: u16,
}

/// An object, without the bytes of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number with a point, or one beyond 64 bits, as it is written.
    Real(String),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Object>),
    Dictionary(Dictionary),
    Reference(Reference),
}

impl Object {
    pub(crate) fn name(text: &str) -> Self {
        Self::Name(text.as_bytes().to_vec())
    }

    /// A text for people (ISO 32000-1 §7.9.2.2): ASCII as it is, anything else in UTF-16.
    pub(crate) fn text(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Text(text.as_bytes().to_vec());
        }
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        Self::Text([0xfe, 0xff].into_iter().chain(units).collect())
    }

    /// How many values it has, itself and each within it.
    pub(crate) fn values(&self) -> usize {
        match self {
            Self::Array(all) => 1 + all.iter().map(Self::values).sum::<usize>(),
            Self::Dictionary(all) => 1 + all.iter().map(|(_, value)| value.values()).sum::<usize>(),
            _ => 1,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn reference(&self) -> Option<Reference> {
        if let Self::Reference(reference) = self { Some(*reference) } else { None }
    }

    pub(crate) fn is_name(&self, wanted: &str) -> bool {
        matches!(self, Self::Name(name) if name == wanted.as_bytes())
    }

    /// What a text string says to people.
    pub(crate) fn words(&self) -> Option<String> {
        let Self::Text(octets) = self else { return None };
        Some(match octets.as_slice() {
            [0xfe, 0xff, rest @ ..] => {
                let units: Vec<u16> = rest
                    .chunks_exact(2)
                    .map(|pair| pair.iter().fold(0, |unit, octet| unit << 8 | u16::from(*octet)))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
            // PDFDocEncoding is Latin-1 for nearly all that is ever written.
            octets => octets.iter().map(|octet| char::from(*octet)).collect(),
        })
    }
}

impl From<Reference> for Object {
    fn from(reference: Reference) -> Self {
        Self::Reference(reference)
    }
}

impl From<Dictionary> for Object {
    fn from(dictionary: Dictionary) -> Self {
        Self::Dictionary(dictionary)
    }
}
