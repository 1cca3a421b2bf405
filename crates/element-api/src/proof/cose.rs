//! Public keys of passkeys: COSE_Key (RFC 9052 section 7, RFC 9053 section 7, RFC 8230 section 4).

use ciborium::Value;
use sceau_crypto::{Es256Key, Rs256Key, VerifyingKey};

use super::ProofError;

/// A public key of a passkey.
#[derive(Debug, Clone)]
pub enum CoseKey {
    /// ECDSA over P-256 with SHA-256 (COSE alg -7).
    Es256(Es256Key),
    /// Ed25519 (COSE alg -8).
    EdDsa(VerifyingKey),
    /// RSASSA-PKCS1-v1_5 with SHA-256 (COSE alg -257), which Windows Hello uses.
    Rs256(Rs256Key),
}

impl CoseKey {
    /// The COSE algorithms that are read, in the order of preference; for `pubKeyCredParams`.
    pub const ALGORITHMS: [i32; 3] = [-7, -8, -257];

    /// Reads a COSE_Key. Members other than the key's own are refused, as are points off the curve.
    ///
    /// # Errors
    /// [`ProofError::Key`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut rest = bytes;
        let value: Value =
            ciborium::de::from_reader_with_recursion_limit(&mut rest, 4).map_err(|_| ProofError::Key)?;
        let members = Members(value.into_map().map_err(|_| ProofError::Key)?);
        if !rest.is_empty() {
            return Err(ProofError::Key);
        }
        match (members.integer(1)?, members.integer(3)?, members.0.len()) {
            // kty EC2, alg ES256; crv P-256
            (2, -7, 5) if members.integer(-1)? == 1 => {
                let (x, y) = (members.coordinate(-2)?, members.coordinate(-3)?);
                Es256Key::from_sec1(&[&[4], x, y].concat()).map(Self::Es256)
            }
            // kty OKP, alg EdDSA; crv Ed25519
            (1, -8, 4) if members.integer(-1)? == 6 => {
                VerifyingKey::from_bytes(members.coordinate(-2)?).map(Self::EdDsa)
            }
            // kty RSA, alg RS256
            (3, -257, 4) => {
                Rs256Key::from_components(members.bytes(-1)?, members.bytes(-2)?).map(Self::Rs256)
            }
            _ => return Err(ProofError::Key),
        }
        .map_err(|_| ProofError::Key)
    }

    /// Verifies a signature as WebAuthn carries it (section 6.5.6): ASN.1 DER for ECDSA, raw for the others.
    ///
    /// # Errors
    /// [`ProofError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), ProofError> {
        let verifies = match self {
            Self::Es256(key) => key.verifies(message, signature),
            Self::EdDsa(key) => key.verifies(message, signature),
            Self::Rs256(key) => key.verifies(message, signature),
        };
        if verifies { Ok(()) } else { Err(ProofError::Signature) }
    }
}

/// The members of a COSE map. A label that occurs twice is refused by the member count.
struct Members(Vec<(Value, Value)>);

impl Members {
    fn value(&self, label: i8) -> Result<&Value, ProofError> {
        let label = Value::Integer(label.into());
        self.0.iter().find(|(key, _)| *key == label).map(|(_, value)| value).ok_or(ProofError::Key)
    }

    fn integer(&self, label: i8) -> Result<i64, ProofError> {
        let value = self.value(label)?.as_integer().ok_or(ProofError::Key)?;
        value.try_into().map_err(|_| ProofError::Key)
    }

    fn bytes(&self, label: i8) -> Result<&[u8], ProofError> {
        self.value(label)?.as_bytes().map(Vec::as_slice).ok_or(ProofError::Key)
    }

    fn coordinate(&self, label: i8) -> Result<&[u8], ProofError> {
        self.bytes(label).and_then(|bytes| if bytes.len() == 32 { Ok(bytes) } else { Err(ProofError::Key) })
    }
}
