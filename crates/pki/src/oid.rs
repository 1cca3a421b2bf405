//! Object identifiers, kept as their DER content so that any arc fits.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::der;

/// An object identifier (X.660), for instance of an attribute of a name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(Cow<'static, [u8]>);

impl Oid {
    /// `CN` 2.5.4.3
    pub const COMMON_NAME: Self = Self::literal(&[0x55, 4, 3]);
    /// `surname` 2.5.4.4
    pub const SURNAME: Self = Self::literal(&[0x55, 4, 4]);
    /// `givenName` 2.5.4.42
    pub const GIVEN_NAME: Self = Self::literal(&[0x55, 4, 42]);
    /// `serialNumber` 2.5.4.5
    pub const SERIAL_NUMBER: Self = Self::literal(&[0x55, 4, 5]);
    /// `C` 2.5.4.6
    pub const COUNTRY: Self = Self::literal(&[0x55, 4, 6]);
    /// `L` 2.5.4.7
    pub const LOCALITY: Self = Self::literal(&[0x55, 4, 7]);
    /// `ST` 2.5.4.8
    pub const STATE: Self = Self::literal(&[0x55, 4, 8]);
    /// `O` 2.5.4.10
    pub const ORGANIZATION: Self = Self::literal(&[0x55, 4, 10]);
    /// `OU` 2.5.4.11
    pub const ORGANIZATIONAL_UNIT: Self = Self::literal(&[0x55, 4, 11]);
    /// `DC` 0.9.2342.19200300.100.1.25
    pub const DOMAIN_COMPONENT: Self =
        Self::literal(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]);
    /// `emailAddress` 1.2.840.113549.1.9.1
    pub const EMAIL_ADDRESS: Self = Self::literal(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]);

    pub(crate) const fn literal(content: &'static [u8]) -> Self {
        Self(Cow::Borrowed(content))
    }

    /// Takes the content octets of a DER OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// When they are empty, end within an arc, pad one (X.690 §8.19.2), or hold one above 128 bits: those made from a UUID have as many (X.667 §7).
    pub fn from_der_content(content: &[u8]) -> Result<Self, NotAnOid> {
        arcs(content)?;
        Ok(Self(Cow::Owned(content.to_vec())))
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        der::tlv(der::tag::OID, &self.0)
    }
}

/// What was given is not an object identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an object identifier")]
pub struct NotAnOid;

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Checked when it was made.
        let arcs = arcs(&self.0).unwrap_or_default();
        for (i, arc) in arcs.iter().enumerate() {
            match i {
                0 if *arc < 80 => write!(f, "{}.{}", arc / 40, arc % 40)?,
                0 => write!(f, "2.{}", arc - 80)?,
                _ => write!(f, ".{arc}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl FromStr for Oid {
    type Err = NotAnOid;

    /// Reads the dotted form; arcs up to 128 bits.
    fn from_str(dotted: &str) -> Result<Self, NotAnOid> {
        let arcs = dotted.split('.').map(arc).collect::<Result<Vec<u128>, NotAnOid>>()?;
        let [first, second, rest @ ..] = arcs.as_slice() else { return Err(NotAnOid) };
        if *first > 2 || (*first < 2 && *second > 39) {
            return Err(NotAnOid);
        }
        let mut content = base128(second.checked_add(first * 40).ok_or(NotAnOid)?);
        content.extend(rest.iter().flat_map(|arc| base128(*arc)));
        Ok(Self(Cow::Owned(content)))
    }
}

fn arc(text: &str) -> Result<u128, NotAnOid> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !canonical {
        return Err(NotAnOid);
    }
    text.parse().map_err(|_| NotAnOid)
}

/// The arcs of a content, the first two still as one number (X.690 §8.19.4).
fn arcs(content: &[u8]) -> Result<Vec<u128>, NotAnOid> {
    let mut arcs = Vec::new();
    let mut arc: Option<u128> = None;
    for octet in content {
        if arc.is_none() && *octet == 0x80 {
            return Err(NotAnOid); // padded
        }
        let above = arc.unwrap_or(0);
        let value = above.checked_mul(128).ok_or(NotAnOid)? | u128::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            arcs.push(value);
            arc = None;
        } else {
            arc = Some(value);
        }
    }
    if arc.is_some() || arcs.is_empty() { Err(NotAnOid) } else { Ok(arcs) }
}

fn base128(mut arc: u128) -> Vec<u8> {
    let mut octets = vec![(arc & 0x7f) as u8];
    while arc > 0x7f {
        arc >>= 7;
        octets.insert(0, 0x80 | (arc & 0x7f) as u8);
    }
    octets
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests state what must hold
    use super::*;

    #[test]
    fn constants_read_as_they_are_known() {
        for (oid, dotted) in [
            (Oid::COMMON_NAME, "2.5.4.3"),
            (Oid::DOMAIN_COMPONENT, "0.9.2342.19200300.100.1.25"),
            (Oid::EMAIL_ADDRESS, "1.2.840.113549.1.9.1"),
        ] {
            assert_eq!(oid.to_string(), dotted);
            assert_eq!(dotted.parse::<Oid>().unwrap(), oid);
        }
    }

    #[test]
    fn what_is_no_oid_is_refused() {
        for text in [
            "",
            "1",
            "3.1",
            "1.40",
            "1.02",
            "1.2.",
            "1.-2",
            "1.2.999999999999999999999999999999999999999",
            "CN",
        ] {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
        let most = "2.340282366920938463463374607431768211375.340282366920938463463374607431768211455";
        assert_eq!(most.parse::<Oid>().unwrap().to_string(), most);
        assert_eq!(Oid::from_der_content(&most.parse::<Oid>().unwrap().0).unwrap().to_string(), most);
        assert!(Oid::from_der_content(&[&[0x55, 0x84][..], &[0x80; 17], &[0]].concat()).is_err());
        assert!(Oid::from_der_content(&[]).is_err());
        assert!(Oid::from_der_content(&[0x55, 0x84]).is_err());
        assert!(Oid::from_der_content(&[0x55, 0x80, 0x04]).is_err());
    }
}
