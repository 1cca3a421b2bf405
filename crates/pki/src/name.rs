//! Distinguished names that keep what they were given: the order of their parts, repeated attributes
//! (two OUs are common in health-care certificates), and the string type of each value.

mod text;

use std::borrow::Cow;

pub use text::acts_on_text;
use x509_parser::prelude::{FromDer, X509Name};

use crate::{
    der::{self, tag},
    oid::Oid,
};

/// A distinguished name (RFC 5280 §4.1.2.4). Equality is exact: same order, same attributes, same
/// string types, which is also how issuers are matched with subjects.
///
/// `Display` and `FromStr` are the string form of RFC 4514, whose first part is the *last* one of the DER.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Name(Vec<Rdn>);

/// One relative name: nearly always a single attribute.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Rdn(Vec<Attribute>);

/// An attribute of a name: its type and its value, as encoded.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Attribute {
    kind: Oid,
    tag: u8,
    content: Vec<u8>,
}

/// Why bytes or text are not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The bytes are not the DER of a name.
    #[error("these bytes are not a distinguished name")]
    Der,
    /// The text breaks RFC 4514 at this byte offset.
    #[error("this is not a distinguished name (RFC 4514): see byte {at}")]
    Text {
        /// Offset in bytes from the start of the text.
        at: usize,
    },
    /// An attribute type that is neither a known short name nor a dotted object identifier.
    #[error("unknown attribute type in a distinguished name: {0}")]
    AttributeType(String),
}

impl NameError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Der => "name_not_der",
            Self::Text { .. } => "name_not_rfc4514",
            Self::AttributeType(_) => "name_unknown_attribute",
        }
    }
}

impl Name {
    /// Reads a name from its DER, all of it.
    ///
    /// # Errors
    /// [`NameError::Der`] when the bytes are anything else than one name.
    pub fn from_der(bytes: &[u8]) -> Result<Self, NameError> {
        let (rest, parsed) = X509Name::from_der(bytes).map_err(|_| NameError::Der)?;
        if !rest.is_empty() {
            return Err(NameError::Der);
        }
        let rdns = parsed
            .iter()
            .map(|rdn| {
                let attributes = rdn.iter().map(Attribute::read).collect::<Result<Vec<_>, _>>()?;
                if attributes.is_empty() { Err(NameError::Der) } else { Ok(Rdn(attributes)) }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let name = Self(rdns);
        // What cannot be written back byte for byte was not DER, and could hide one name behind another.
        if name.to_der() == bytes { Ok(name) } else { Err(NameError::Der) }
    }

    /// The DER of this name; of a name that was read, the very bytes it came from.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&self.0.iter().map(Rdn::to_der).collect::<Vec<_>>())
    }

    /// Adds one part at the end (DER order: country first, common name last).
    #[must_use]
    pub fn with(mut self, kind: Oid, value: &str) -> Self {
        self.0.push(Rdn(vec![Attribute::new(kind, value)]));
        self
    }

    /// Whether the name has no part.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every attribute, in DER order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter().flat_map(|rdn| rdn.0.iter())
    }

    /// The texts of every attribute of this type, in DER order.
    pub fn values(&self, kind: Oid) -> impl Iterator<Item = Cow<'_, str>> {
        self.attributes().filter(move |a| a.kind == kind).filter_map(Attribute::text)
    }

    /// The common name, when there is exactly one.
    pub fn common_name(&self) -> Option<Cow<'_, str>> {
        let mut names = self.values(Oid::COMMON_NAME);
        names.next().filter(|_| names.next().is_none())
    }

    /// The organizational units, in DER order.
    pub fn organizational_units(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.values(Oid::ORGANIZATIONAL_UNIT)
    }
}

impl Rdn {
    /// A relative name made here, in the order that DER asks of a SET OF (X.690 §11.6).
    fn sorted(mut attributes: Vec<Attribute>) -> Self {
        attributes.sort_by_key(Attribute::to_der);
        Self(attributes)
    }

    fn to_der(&self) -> Vec<u8> {
        der::tlv(tag::SET, &self.0.iter().map(Attribute::to_der).collect::<Vec<_>>().concat())
    }
}

impl Attribute {
    /// An attribute with the string type that RFC 5280 asks for: PrintableString for countries and serial
    /// numbers, IA5String for domain components and e-mail addresses (where their alphabets allow),
    /// UTF8String for the rest.
    pub fn new(kind: Oid, value: &str) -> Self {
        let tag = string_tag(&kind, value);
        Self { kind, tag, content: value.as_bytes().to_vec() }
    }

    /// The attribute's type.
    pub fn kind(&self) -> &Oid {
        &self.kind
    }

    /// Its type as people write it: a short name (`CN`), or the dotted number.
    pub fn label(&self) -> String {
        text::short_name(&self.kind).map_or_else(|| self.kind.to_string(), str::to_owned)
    }

    /// The value as text, when its type is one of the string types that we read (UTF8, Printable,
    /// Numeric, IA5, Visible, BMP).
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.tag {
            tag::UTF8 => std::str::from_utf8(&self.content).ok().map(Cow::Borrowed),
            tag::PRINTABLE | tag::NUMERIC | tag::IA5 | tag::VISIBLE => {
                std::str::from_utf8(&self.content).ok().filter(|text| text.is_ascii()).map(Cow::Borrowed)
            }
            tag::BMP => utf16(&self.content).map(Cow::Owned),
            _ => None,
        }
    }

    fn read(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> Result<Self, NameError> {
        let kind = Oid::from_der_content(attribute.attr_type().as_bytes()).map_err(|_| NameError::Der)?;
        let value = attribute.attr_value();
        let tag = u8::try_from(value.tag().0).ok().filter(|tag| *tag < 0x1f).ok_or(NameError::Der)?;
        if value.header.is_constructed() {
            return Err(NameError::Der); // no string type is, in DER
        }
        Ok(Self { kind, tag, content: value.data.to_vec() })
    }

    fn value_der(&self) -> Vec<u8> {
        der::tlv(self.tag, &self.content)
    }

    fn to_der(&self) -> Vec<u8> {
        der::sequence(&[self.kind.to_der(), self.value_der()])
    }
}

fn string_tag(kind: &Oid, value: &str) -> u8 {
    let printable = value.bytes().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b));
    if (*kind == Oid::COUNTRY || *kind == Oid::SERIAL_NUMBER) && printable {
        tag::PRINTABLE
    } else if (*kind == Oid::DOMAIN_COMPONENT || *kind == Oid::EMAIL_ADDRESS) && value.is_ascii() {
        tag::IA5
    } else {
        tag::UTF8
    }
}

fn utf16(content: &[u8]) -> Option<String> {
    let (units, rest) = content.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
}
