//! An RSA private key in its numbers, as a token takes it when a key is moved there.

use super::{KeyError, RecipientKey, RecipientSuite, RsaPrivateKey};
use crate::SecretBytes;

/// The numbers of an RSA private key (RFC 8017 §3.2), big-endian without leading zeros. `Debug` shows none of them.
#[derive(Debug)]
pub struct RsaParts {
    /// n.
    pub modulus: Vec<u8>,
    /// e.
    pub public_exponent: Vec<u8>,
    /// d.
    pub private_exponent: SecretBytes,
    /// p.
    pub prime_1: SecretBytes,
    /// q.
    pub prime_2: SecretBytes,
    /// d mod (p − 1).
    pub exponent_1: SecretBytes,
    /// d mod (q − 1).
    pub exponent_2: SecretBytes,
    /// q⁻¹ mod p.
    pub coefficient: SecretBytes,
}

impl RsaPrivateKey {
    /// Its numbers.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], which is not expected.
    pub fn parts(&self) -> Result<RsaParts, KeyError> {
        parts(self.to_pkcs8().expose()).ok_or(KeyError::Malformed)
    }
}

impl RecipientKey {
    /// The modulus of an RSA key, big-endian without leading zeros: a ciphertext is as long, and less. None for another suite.
    #[must_use]
    pub fn rsa_modulus(&self) -> Option<&[u8]> {
        if self.suite() != RecipientSuite::RsaOaep256 {
            return None;
        }
        rsa_numbers(self.public()).map(|(modulus, _)| modulus)
    }
}

/// Modulus and public exponent of a SubjectPublicKeyInfo (RFC 5280 §4.1) around an RSAPublicKey (RFC 8017 §A.1.1), without leading zeros.
pub(crate) fn rsa_numbers(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, _) = element(info, SEQUENCE)?;
    let (_algorithm, rest) = element(info, SEQUENCE)?;
    let (_unused_bits, key) = element(rest, BIT_STRING)?.0.split_first()?;
    let (modulus, rest) = element(element(key, SEQUENCE)?.0, INTEGER)?;
    let (exponent, _) = element(rest, INTEGER)?;
    let bare = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((modulus.get(bare(modulus)..)?, exponent.get(bare(exponent)..)?))
}

const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const SEQUENCE: u8 = 0x30;

/// Of a PrivateKeyInfo (RFC 5958 §2) around an RSAPrivateKey (RFC 8017 §A.1.2). The library that parsed the key wrote these bytes.
fn parts(der: &[u8]) -> Option<RsaParts> {
    let (info, _) = element(der, SEQUENCE)?;
    let (_version, rest) = element(info, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (key, _) = element(rest, OCTET_STRING)?;
    let (key, _) = element(key, SEQUENCE)?;
    let (_version, mut rest) = element(key, INTEGER)?;
    let mut next = || {
        let (number, after) = element(rest, INTEGER)?;
        rest = after;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number.get(zeros..)
    };
    let (modulus, public_exponent) = (next()?.to_vec(), next()?.to_vec());
    let mut secret = || next().map(SecretBytes::from);
    Some(RsaParts {
        modulus,
        public_exponent,
        private_exponent: secret()?,
        prime_1: secret()?,
        prime_2: secret()?,
        exponent_1: secret()?,
        exponent_2: secret()?,
        coefficient: secret()?,
    })
}

/// The content of the element of this tag that comes first, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::RsaSize;

    #[test]
    fn the_numbers_are_of_the_key_s_size() {
        let key = RsaPrivateKey::generate(RsaSize::Bits2048).unwrap();
        let parts = key.parts().unwrap();
        assert_eq!((parts.modulus.len(), parts.public_exponent.as_slice()), (256, &[1, 0, 1][..]));
        assert_eq!(key.recipient_key().rsa_modulus(), Some(parts.modulus.as_slice()));
        assert_eq!((parts.prime_1.expose().len(), parts.prime_2.expose().len()), (128, 128));
        assert!(format!("{parts:?}").contains("prime_1: SecretBytes(128 bytes, redacted)"));
    }

    #[test]
    fn foreign_bytes_are_none() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 1, 2, 3, 4], &[0x30, 3, 2, 1], &[0x30, 0x80]] {
            assert!(parts(bytes).is_none());
        }
    }
}
