//! Algorithms by their object identifiers.

use sceau_element_api::keyring::KeyringAlgorithm;
use sceau_pki::SignatureKind;

use crate::CscError;
use crate::input::{Implied, Input};

pub(crate) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
const RSA: &str = "1.2.840.113549.1.1.1";
/// prime256v1.
pub(crate) const P256: &str = "1.2.840.10045.3.1.7";
/// All of them.
pub(crate) const ALL: [&str; 3] = [ECDSA_SHA256, RSA_SHA256, RSA];

/// Those that a key signs by.
pub(crate) fn of(kind: SignatureKind) -> &'static [&'static str] {
    match kind {
        SignatureKind::EcdsaP256 => &[ECDSA_SHA256],
        SignatureKind::RsaSha256 => &[RSA_SHA256, RSA],
    }
}

pub(crate) fn keyring(kind: SignatureKind) -> KeyringAlgorithm {
    match kind {
        SignatureKind::EcdsaP256 => KeyringAlgorithm::Es256,
        SignatureKind::RsaSha256 => KeyringAlgorithm::Rs256,
    }
}

/// That the signature that is asked for is the one that the key makes, over SHA-256. Whether the hash's algorithm must be said besides.
pub(crate) fn judge(input: &Input, kind: SignatureKind) -> Result<Implied, CscError> {
    let asked = input.text("signAlgo")?;
    if !of(kind).contains(&asked) || input.get("signAlgoParams").is_some() {
        return Err(CscError::parameter("signAlgo"));
    }
    Ok(if asked == RSA { Implied::Nowhere } else { Implied::Elsewhere })
}
