//! Extensions that an authority writes as they are given to it: a platform's own, which this program knows nothing of.

use std::str::FromStr;

use crate::{
    der::{self, tag},
    error::Error,
    extension,
    oid::Oid,
    reader::Reader,
};

/// An extension of a certificate (RFC 5280 §4.2): its number, whether whoever does not know it must refuse the certificate, and its value, which is one DER
/// element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenExtension {
    oid: Oid,
    is_critical: bool,
    value: Vec<u8>,
}

impl GivenExtension {
    pub(super) fn to_der(&self) -> Vec<u8> {
        extension::extension(&self.oid, self.is_critical, &self.value)
    }
}

impl FromStr for GivenExtension {
    type Err = Error;

    /// `OID=HEX`, the value's DER, or `OID=utf8:TEXT`, a UTF8String; with `,critical` at the end where it is that.
    ///
    /// # Errors
    /// [`Error::BadExtension`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadExtension(text.to_owned());
        let (oid, value) = text.split_once('=').ok_or_else(bad)?;
        let oid = oid.parse().map_err(|_| bad())?;
        let (value, is_critical) = match value.strip_suffix(",critical") {
            Some(value) => (value, true),
            None => (value, false),
        };
        let value = match value.strip_prefix("utf8:") {
            Some(words) => der::tlv(tag::UTF8, words.as_bytes()),
            None => hex::decode(value).map_err(|_| bad())?,
        };
        // Its length is also its depth's bound.
        if value.len() > LONGEST {
            return Err(bad());
        }
        let mut reader = Reader::of(&value);
        let element = reader.element().and_then(|element| is_der(element.tag, element.content));
        if element.is_err() || !reader.is_empty() {
            return Err(bad());
        }
        Ok(Self { oid, is_critical, value })
    }
}

/// Beyond, servers and clients refuse what holds it.
const LONGEST: usize = 4096;

/// Whether all that stands within an element is DER too.
fn is_der(tag: u8, content: &[u8]) -> Result<(), crate::reader::NotDer> {
    const CONSTRUCTED: u8 = 0x20;
    let mut within = Reader::of(content);
    while tag & CONSTRUCTED != 0 && !within.is_empty() {
        let element = within.element()?;
        is_der(element.tag, element.content)?;
    }
    Ok(())
}

/// That no number stands there twice (RFC 5280 §4.2).
///
/// # Errors
/// [`Error::ExtensionTwice`].
pub(super) fn each_once(extensions: &[Vec<u8>]) -> Result<(), Error> {
    let mut seen = Vec::new();
    for extension in extensions {
        let number = Reader::of(extension).expect(tag::SEQUENCE).and_then(|all| {
            let mut parts = Reader::of(all.content);
            parts.expect(tag::OID)
        });
        let number = number.ok().and_then(|element| Oid::from_der_content(element.content).ok());
        if seen.contains(&number) {
            let number = number.map(|oid| oid.to_string()).unwrap_or_default();
            return Err(Error::ExtensionTwice(number));
        }
        seen.push(number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn one_element_is_taken_and_nothing_else() {
        let read = |text: &str| text.parse::<GivenExtension>();
        let given = read("1.2.250.1.71.1.2.5=3003020102,critical").unwrap();
        assert_eq!((given.is_critical, given.value), (true, vec![0x30, 3, 2, 1, 2]));
        assert_eq!(read("1.2.3=utf8:a,b").unwrap().value, b"\x0c\x03a,b");
        for text in [
            "",
            "1.2.3",
            "1.2.3=",
            "1.2.3=0201",
            "1.2.3=020102ff",
            "1.2.3=0203",
            "1.2.3=30020201",
            "1.2.3=3080020101",
            "1.2.3=0g",
            "x=0500",
            "1.2.3=0500,Critical",
        ] {
            assert!(matches!(read(text), Err(Error::BadExtension(_))), "{text}");
        }
        // Deep, and long: neither the stack nor a certificate takes it.
        let deep = (0..LONGEST).fold(Vec::new(), |within, _| der::tlv(0x30, &within));
        assert!(read(&format!("1.2.3={}", hex::encode(deep))).is_err());
    }

    #[test]
    fn none_stands_there_twice() {
        let [one, other] = ["1.2.3=0500", "1.2.4=0500"]
            .map(|text| text.parse::<GivenExtension>().map(|it| it.to_der()).unwrap_or_default());
        assert!(each_once(&[one.clone(), other.clone()]).is_ok());
        assert!(
            matches!(each_once(&[one.clone(), other, one]), Err(Error::ExtensionTwice(oid)) if oid == "1.2.3")
        );
    }
}
