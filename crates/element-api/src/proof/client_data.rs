//! `clientDataJSON` (WebAuthn level 3, section 5.8.1) against what is expected of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::ProofError;

/// What a registration or an assertion is held to.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The challenge, as raw bytes.
    pub challenge: &'a [u8],
    /// The relying party, a host name.
    pub rp_id: &'a str,
    /// The web origins that may have asked, such as `https://sceau.localhost:8443`; compared byte for byte.
    pub origins: &'a [&'a str],
    /// Whether the authenticator must have verified its user; presence is always demanded.
    pub user_verification: bool,
}

/// The ceremony that client data was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

/// Browsers may add members (section 5.8.1 says so), so unknown ones pass here.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Checks client data and returns its SHA-256, which the authenticator signed.
pub(super) fn check(
    json: &[u8],
    ceremony: Ceremony,
    expected: &Expected<'_>,
) -> Result<[u8; 32], ProofError> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| ProofError::ClientData)?;
    let name = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.ceremony != name {
        return Err(ProofError::Ceremony);
    }
    if data.challenge != URL_SAFE_NO_PAD.encode(expected.challenge) {
        return Err(ProofError::Challenge);
    }
    let framed = data.cross_origin || data.top_origin.is_some();
    if framed || !expected.origins.contains(&data.origin.as_str()) {
        return Err(ProofError::Origin);
    }
    Ok(sceau_crypto::sha256(json))
}
