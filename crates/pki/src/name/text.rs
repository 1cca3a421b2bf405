//! The string form of names: RFC 4514.

use std::{fmt, str::FromStr};

use x509_parser::asn1_rs::{Any, FromDer};

use super::{Attribute, Name, NameError, Rdn, string_tag};
use crate::oid::Oid;

/// Short names (RFC 4514 §3, then others registered for LDAP), first the one that is written.
const SHORT_NAMES: &[(&str, Oid)] = &[
    ("CN", Oid::COMMON_NAME),
    ("L", Oid::LOCALITY),
    ("ST", Oid::STATE),
    ("O", Oid::ORGANIZATION),
    ("OU", Oid::ORGANIZATIONAL_UNIT),
    ("C", Oid::COUNTRY),
    ("STREET", Oid::literal(&[0x55, 4, 9])),
    ("DC", Oid::DOMAIN_COMPONENT),
    ("UID", Oid::literal(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01])),
    ("serialNumber", Oid::SERIAL_NUMBER),
    ("emailAddress", Oid::EMAIL_ADDRESS),
    ("organizationIdentifier", Oid::literal(&[0x55, 4, 97])),
    ("SN", Oid::literal(&[0x55, 4, 4])),
    ("GN", Oid::literal(&[0x55, 4, 42])),
    ("title", Oid::literal(&[0x55, 4, 12])),
];

/// The short name of an attribute's type, if it has one.
pub(super) fn short_name(kind: &Oid) -> Option<&'static str> {
    SHORT_NAMES.iter().find(|(_, oid)| oid == kind).map(|(short, _)| *short)
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rdn) in self.0.iter().rev().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            for (j, attribute) in rdn.0.iter().enumerate() {
                if j > 0 {
                    f.write_str("+")?;
                }
                write_attribute(f, attribute)?;
            }
        }
        Ok(())
    }
}

fn write_attribute(f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
    let short = short_name(&attribute.kind);
    match short {
        Some(short) => write!(f, "{short}=")?,
        None => write!(f, "{}=", attribute.kind)?,
    }
    // §2.4: an attribute written by its number has its value in hexadecimal; so has what is not text.
    match attribute.text().filter(|_| short.is_some()) {
        Some(text) => write_escaped(f, &text),
        None => write!(f, "#{}", hex::encode(attribute.value_der())),
    }
}

/// Whether a character acts on the text around it, or is not seen: controls, and those of Unicode's category Cf, which turn a line around or join what
/// is apart (Unicode Standard Annex #9 §2, DerivedGeneralCategory 16.0), with the separators of lines and paragraphs.
pub fn acts_on_text(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// RFC 4514 §2.4, and what [`acts_on_text`] in hexadecimal, so that a name never breaks or turns around a line.
fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (i, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            '#' if i == 0 => f.write_str("\\#")?,
            ' ' if i == 0 || i == last => f.write_str("\\ ")?,
            c if acts_on_text(c) => {
                c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|octet| write!(f, "\\{octet:02x}"))?;
            }
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader { text: text.as_bytes(), at: 0 };
        let mut rdns = Vec::new();
        loop {
            rdns.push(reader.rdn()?);
            if !reader.take(b',') {
                break;
            }
        }
        if reader.peek().is_some() {
            return Err(reader.error());
        }
        rdns.reverse();
        Ok(Self(rdns))
    }
}

/// A cursor over the text; positions are byte offsets.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn rdn(&mut self) -> Result<Rdn, NameError> {
        let mut attributes = vec![self.attribute()?];
        while self.take(b'+') {
            attributes.push(self.attribute()?);
        }
        Ok(Rdn::sorted(attributes))
    }

    fn attribute(&mut self) -> Result<Attribute, NameError> {
        // A space after a comma is not of RFC 4514, but people type it.
        while self.take(b' ') {}
        let kind = self.kind()?;
        if !self.take(b'=') {
            return Err(self.error());
        }
        if self.take(b'#') { self.hexadecimal(kind) } else { self.string(kind) }
    }

    fn kind(&mut self) -> Result<Oid, NameError> {
        let mut word = String::new();
        while let Some(octet) = self.peek().filter(|b| b.is_ascii_alphanumeric() || b".-".contains(b)) {
            word.push(char::from(octet));
            self.at += 1;
        }
        let known = SHORT_NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(&word));
        match known {
            Some((_, oid)) => Ok(oid.clone()),
            None if word.is_empty() => Err(self.error()),
            None => word.parse().map_err(|_| NameError::AttributeType(word)),
        }
    }

    fn string(&mut self, kind: Oid) -> Result<Attribute, NameError> {
        while self.take(b' ') {}
        let start = self.at;
        let (mut value, mut kept) = (Vec::new(), 0);
        while let Some(octet) = self.peek().filter(|b| !b",+".contains(b)) {
            match octet {
                b'\\' => {
                    value.push(self.escape()?);
                    kept = value.len();
                }
                b'"' | b';' | b'<' | b'>' | 0 => return Err(self.error()),
                _ => {
                    value.push(octet);
                    self.at += 1;
                    if octet != b' ' {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept); // spaces at the end count only when escaped
        let value = String::from_utf8(value).map_err(|_| NameError::Text { at: start })?;
        let tag = string_tag(&kind, &value);
        Ok(Attribute { kind, tag, content: value.into_bytes() })
    }

    fn escape(&mut self) -> Result<u8, NameError> {
        self.at += 1;
        let octet = self.peek().ok_or_else(|| self.error())?;
        if b"\"+,;<>\\ #=".contains(&octet) {
            self.at += 1;
            return Ok(octet);
        }
        self.hex_pair()
    }

    fn hexadecimal(&mut self, kind: Oid) -> Result<Attribute, NameError> {
        let mut value = Vec::new();
        while self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
            value.push(self.hex_pair()?);
        }
        let (tag, content) = split_value(&value).ok_or_else(|| self.error())?;
        Ok(Attribute { kind, tag, content: content.to_vec() })
    }

    fn hex_pair(&mut self) -> Result<u8, NameError> {
        let pair = self.text.get(self.at..self.at + 2).ok_or_else(|| self.error())?;
        let mut octet = [0];
        hex::decode_to_slice(pair, &mut octet).map_err(|_| self.error())?;
        self.at += 2;
        let [octet] = octet;
        Ok(octet)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += usize::from(taken);
        taken
    }

    fn error(&self) -> NameError {
        NameError::Text { at: self.at }
    }
}

/// Tag and content of one primitive universal DER element, the whole of `value`.
fn split_value(value: &[u8]) -> Option<(u8, &[u8])> {
    let (rest, any) = Any::from_der(value).ok()?;
    let tag = u8::try_from(any.tag().0).ok().filter(|tag| *tag < 0x1f)?;
    let whole = rest.is_empty() && crate::der::tlv(tag, any.data) == value;
    whole.then_some((tag, any.data))
}
