//! Public keys that passkeys sign with: we verify, we never hold the private part.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use crate::KeyError;

/// COSE ES256: ECDSA on P-256 with SHA-256 (FIPS 186-5).
#[derive(Clone)]
pub struct Es256Key {
    sec1: [u8; 65],
    parsed: ParsedPublicKey,
}

impl Es256Key {
    /// From an uncompressed SEC 1 point: `04 ‖ x (32) ‖ y (32)`.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless it is a point of the curve in that form.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        let sec1: [u8; 65] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        if sec1.first() != Some(&4) {
            return Err(KeyError::Malformed);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, sec1).map_err(|_| KeyError::Malformed)?;
        Ok(Self { sec1, parsed })
    }

    /// The uncompressed SEC 1 point.
    #[must_use]
    pub fn as_sec1(&self) -> &[u8; 65] {
        &self.sec1
    }

    /// Whether `signature` (DER, as WebAuthn sends it) is this key's over SHA-256(`message`).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for Es256Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Es256Key({})", hex::encode(self.sec1))
    }
}

/// COSE RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), which some security keys of Windows still use.
#[derive(Clone)]
pub struct Rs256Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Rs256Key {
    /// From a modulus of 2,048 to 4,096 bits and an exponent, both big-endian without leading zero.
    ///
    /// # Errors
    /// [`KeyError`] for another size or form.
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let leading = *modulus.first().ok_or(KeyError::Malformed)?;
        let bits = modulus.len() * 8 - leading.leading_zeros() as usize;
        if leading == 0 || exponent.first().is_none_or(|byte| *byte == 0) || exponent.len() > 4 {
            return Err(KeyError::Malformed);
        }
        if !(2048..=4096).contains(&bits) {
            return Err(KeyError::RsaSize { bits });
        }
        Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Whether `signature` is this key's over SHA-256(`message`).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }
}

impl std::fmt::Debug for Rs256Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rs256Key({} bytes)", self.modulus.len())
    }
}
