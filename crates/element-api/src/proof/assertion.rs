//! Assertions: a passkey signs a challenge (WebAuthn level 3, section 7.2).

use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, Ceremony};
use super::{CoseKey, Expected, ProofError};

/// What an authenticator answered to `navigator.credentials.get`.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// The credential that signed.
    pub credential_id: &'a [u8],
    /// `response.authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `response.clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `response.signature`.
    pub signature: &'a [u8],
}

/// An assertion that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Whether the authenticator verified its user.
    pub user_verified: bool,
    /// The authenticator's signature counter; synchronised passkeys say 0.
    pub sign_count: u32,
}

/// Verifies an assertion under the key of its credential, which the caller looked up by `credential_id`.
///
/// # Errors
/// The first check that fails, in the order of section 7.2.
pub fn verify_assertion(
    assertion: &Assertion<'_>,
    key: &CoseKey,
    expected: &Expected<'_>,
) -> Result<VerifiedAssertion, ProofError> {
    let client_data_hash = client_data::check(assertion.client_data_json, Ceremony::Get, expected)?;
    let data = AuthenticatorData::parse(assertion.authenticator_data)?;
    data.check(expected)?;
    let message = [assertion.authenticator_data, &client_data_hash].concat();
    key.verify(&message, assertion.signature)?;
    Ok(VerifiedAssertion { user_verified: data.user_verified(), sign_count: data.sign_count })
}
