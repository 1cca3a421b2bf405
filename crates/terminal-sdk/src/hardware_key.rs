//! A key that signs where it is held: what it signs is verified, and brought from the form of the systems (DER) to the one of JWS (`r ‖ s`, RFC 7518 section 3.4).

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sceau_client::ClientError;
use sceau_keyring::{Signs, SignsError};

use crate::error::refused;
use crate::shell::HardwareKey;

/// The SubjectPublicKeyInfo of P-256 before its point (RFC 5480 section 2), and the length of an uncompressed point.
const BEFORE_POINT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT: usize = 65;

/// A key behind a shell.
pub(crate) struct HeldKey {
    key: Arc<dyn HardwareKey>,
    spki: Vec<u8>,
}

impl HeldKey {
    /// The key of this public key.
    pub(crate) fn new(key: &Arc<dyn HardwareKey>, spki: Vec<u8>) -> Result<Self, ClientError> {
        let is_p256 = point(&spki).is_some() && sceau_keyring::thumbprint(&spki).is_some();
        if is_p256 {
            Ok(Self { key: Arc::clone(key), spki })
        } else {
            Err(refused("key_failed", "the device's public key is not a SubjectPublicKeyInfo of P-256"))
        }
    }
}

impl Signs for HeldKey {
    fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        let failed = |why: &str| SignsError::Key(why.to_owned());
        let der = self.key.sign(message.to_vec()).map_err(|error| SignsError::Key(error.to_string()))?;
        let signature = raw_of(&der).ok_or_else(|| failed("its signature is not an ECDSA-Sig-Value"))?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(&self.spki).unwrap_or_default());
        public.verify(message, &signature).map_err(|_| {
            failed("its signature is not of this message, hashed once with SHA-256, by this key")
        })?;
        Ok(signature.to_vec())
    }
}

fn point(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(&BEFORE_POINT).filter(|point| point.len() == POINT)
}

/// `r ‖ s` of an ECDSA-Sig-Value of P-256; none where it is none in DER.
fn raw_of(der: &[u8]) -> Option<[u8; 64]> {
    // 72 bytes at most: each length is one byte.
    let (tag, rest) = der.split_first()?;
    let (length, inner) = rest.split_first()?;
    if *tag != 0x30 || usize::from(*length) != inner.len() || inner.len() > 0x7f {
        return None;
    }
    let (r, rest) = integer(inner)?;
    let (s, rest) = integer(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut raw = [0; 64];
    let (of_r, of_s) = raw.split_at_mut(32);
    of_r.copy_from_slice(&r);
    of_s.copy_from_slice(&s);
    Some(raw)
}

/// A positive INTEGER of 32 bytes at most, in the shortest form, and what comes after it.
fn integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(usize::from(*length))?;
    let (first, after) = value.split_first()?;
    let magnitude = match (first, after.first()) {
        (0, Some(next)) if next & 0x80 != 0 => after,
        (0, _) => return None,
        (first, _) if first & 0x80 != 0 => return None,
        _ => value,
    };
    let mut held = [0; 32];
    let from = held.len().checked_sub(magnitude.len())?;
    held.get_mut(from..)?.copy_from_slice(magnitude);
    (*tag == 0x02).then_some((held, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
    use proptest::prelude::*;

    use super::*;
    use crate::shell::ShellError;

    /// A key that only signs, as hardware does; `twice` hashes before it does.
    struct Hardware {
        pair: EcdsaKeyPair,
        twice: bool,
    }

    impl Hardware {
        fn new(twice: bool) -> Self {
            Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(), twice }
        }
    }

    impl HardwareKey for Hardware {
        fn make(&self) -> Result<Vec<u8>, ShellError> {
            Ok(self.pair.public_key().as_der().unwrap().as_ref().to_vec())
        }

        fn public_key(&self) -> Result<Option<Vec<u8>>, ShellError> {
            self.make().map(Some)
        }

        fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, ShellError> {
            let message = if self.twice { sceau_crypto::sha256(&message).to_vec() } else { message };
            Ok(self.pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec())
        }

        fn destroy(&self) -> Result<(), ShellError> {
            Ok(())
        }
    }

    fn held(key: Hardware) -> HeldKey {
        let spki = key.make().unwrap();
        HeldKey::new(&(Arc::new(key) as Arc<dyn HardwareKey>), spki).unwrap()
    }

    #[test]
    fn what_hardware_signs_is_taken_whatever_its_numbers_are() {
        let key = held(Hardware::new(false));
        // Numbers with leading zeros and with a high bit come up among so many.
        for message in 0..600_u32 {
            assert_eq!(key.sign(&message.to_be_bytes()).unwrap().len(), 64);
        }
    }

    #[test]
    fn a_shell_that_hashes_before_it_signs_is_told_so() {
        let told = held(Hardware::new(true)).sign(b"x").unwrap_err();
        assert!(told.to_string().contains("hashed once"), "{told}");
    }

    #[test]
    fn other_keys_than_of_p_256_are_refused() {
        let key: Arc<dyn HardwareKey> = Arc::new(Hardware::new(false));
        let spki = key.make().unwrap();
        for wrong in [Vec::new(), spki[1..].to_vec(), spki[26..].to_vec(), [&spki[..], &[0]].concat()] {
            assert!(HeldKey::new(&key, wrong).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_wrongly(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            if let Some(raw) = raw_of(&bytes) {
                prop_assert_eq!(der_of(&raw), bytes);
            }
        }

        #[test]
        fn each_number_comes_back(r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), zeros in 0_usize..32) {
            let mut raw = [r, s].concat();
            raw[..zeros].fill(0);
            let raw: [u8; 64] = raw.try_into().unwrap();
            // Zero is no number of a signature, and is written as none here.
            prop_assume!(raw[..32] != [0; 32] && raw[32..] != [0; 32]);
            prop_assert_eq!(raw_of(&der_of(&raw)), Some(raw));
            let mut long = der_of(&raw);
            long.push(0);
            prop_assert_eq!(raw_of(&long), None);
        }
    }

    fn der_of(raw: &[u8; 64]) -> Vec<u8> {
        let integer = |bytes: &[u8]| {
            let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            let mut value = bytes[from..].to_vec();
            if value.first().is_some_and(|first| first & 0x80 != 0) {
                value.insert(0, 0);
            }
            [&[2, u8::try_from(value.len()).unwrap()], &value[..]].concat()
        };
        let both = [integer(&raw[..32]), integer(&raw[32..])].concat();
        [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
    }
}
