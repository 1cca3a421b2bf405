//! Registrations: an authenticator makes a passkey (WebAuthn level 3, section 7.1). Which make of authenticator it is does not
//! matter here, so attestation statements are not judged; the first enrolment of a passkey is trust on first use.

use ciborium::Value;

use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, Ceremony};
use super::{Expected, ProofError};

/// The largest attestation object, in bytes.
const MAX_ATTESTATION_OBJECT: usize = 64 * 1024;

/// A passkey that was made for the expected challenge, origin and relying party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRegistration {
    /// The id that the authenticator chose.
    pub credential_id: Vec<u8>,
    /// The COSE_Key bytes of the public key.
    pub cose_key: Vec<u8>,
    /// The make of the authenticator; zeros where it does not say.
    pub aaguid: [u8; 16],
    /// Whether the authenticator verified its user.
    pub user_verified: bool,
    /// The authenticator's signature counter.
    pub sign_count: u32,
}

/// Verifies what `navigator.credentials.create` answered.
///
/// # Errors
/// The first check that fails, in the order of section 7.1.
pub fn verify_registration(
    client_data_json: &[u8],
    attestation_object: &[u8],
    expected: &Expected<'_>,
) -> Result<VerifiedRegistration, ProofError> {
    client_data::check(client_data_json, Ceremony::Create, expected)?;
    let bytes = authenticator_data(attestation_object)?;
    let data = AuthenticatorData::parse(&bytes)?;
    data.check(expected)?;
    let user_verified = data.user_verified();
    let credential = data.attested.ok_or(ProofError::AuthenticatorData)?;
    Ok(VerifiedRegistration {
        credential_id: credential.credential_id.to_vec(),
        cose_key: credential.cose_key.to_vec(),
        aaguid: *credential.aaguid,
        user_verified,
        sign_count: data.sign_count,
    })
}

/// `authData` of an attestation object (section 6.5.4): a map of `fmt`, `attStmt` and `authData`.
fn authenticator_data(object: &[u8]) -> Result<Vec<u8>, ProofError> {
    if object.len() > MAX_ATTESTATION_OBJECT {
        return Err(ProofError::AttestationObject);
    }
    let mut rest = object;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 16)
        .map_err(|_| ProofError::AttestationObject)?;
    let members = value.into_map().map_err(|_| ProofError::AttestationObject)?;
    let well_formed = rest.is_empty()
        && members.len() == 3
        && member(&members, "fmt").is_some_and(Value::is_text)
        && member(&members, "attStmt").is_some_and(Value::is_map);
    let data = member(&members, "authData").and_then(Value::as_bytes);
    data.filter(|_| well_formed).cloned().ok_or(ProofError::AttestationObject)
}

fn member<'a>(members: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}
