//! Authenticator data (WebAuthn level 3, section 6.1), read to its last byte.

use super::{CoseKey, Expected, ProofError};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED_CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Authenticator data that has been read but not judged.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<AttestedCredential<'a>>,
}

/// The credential that a registration made (section 6.5.1).
pub(super) struct AttestedCredential<'a> {
    pub(super) aaguid: &'a [u8; 16],
    pub(super) credential_id: &'a [u8],
    /// The COSE_Key bytes as they were given.
    pub(super) cose_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ProofError> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest)?;
        let [flags] = *take(&mut rest)?;
        let sign_count = u32::from_be_bytes(*take(&mut rest)?);
        let attested =
            if flags & ATTESTED_CREDENTIAL == 0 { None } else { Some(AttestedCredential::parse(&mut rest)?) };
        if flags & EXTENSIONS != 0 {
            let extensions = skip_cbor(&mut rest)?;
            if !extensions.is_map() {
                return Err(ProofError::AuthenticatorData);
            }
        }
        if rest.is_empty() {
            Ok(Self { rp_id_hash, flags, sign_count, attested })
        } else {
            Err(ProofError::AuthenticatorData)
        }
    }

    /// Whether the authenticator verified its user.
    pub(super) fn user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// Checks relying party, presence and (where expected) verification.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), ProofError> {
        if *self.rp_id_hash != sceau_crypto::sha256(expected.rp_id.as_bytes()) {
            return Err(ProofError::RelyingParty);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(ProofError::UserPresence);
        }
        if expected.user_verification && !self.user_verified() {
            return Err(ProofError::UserVerification);
        }
        Ok(())
    }
}

impl<'a> AttestedCredential<'a> {
    fn parse(rest: &mut &'a [u8]) -> Result<Self, ProofError> {
        let aaguid = take(rest)?;
        let length = usize::from(u16::from_be_bytes(*take(rest)?));
        // At most 1,023 bytes (section 4, "credential id").
        if length == 0 || length > 1023 {
            return Err(ProofError::AuthenticatorData);
        }
        let (credential_id, after) = rest.split_at_checked(length).ok_or(ProofError::AuthenticatorData)?;
        *rest = after;
        let start = *rest;
        skip_cbor(rest)?;
        let (cose_key, _) = start.split_at(start.len() - rest.len());
        CoseKey::parse(cose_key)?;
        Ok(Self { aaguid, credential_id, cose_key })
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], ProofError> {
    let (head, tail) = rest.split_first_chunk().ok_or(ProofError::AuthenticatorData)?;
    *rest = tail;
    Ok(head)
}

/// Reads one CBOR item and moves past it. CBOR says its own length.
fn skip_cbor(rest: &mut &[u8]) -> Result<ciborium::Value, ProofError> {
    ciborium::de::from_reader_with_recursion_limit(rest, 16).map_err(|_| ProofError::AuthenticatorData)
}
