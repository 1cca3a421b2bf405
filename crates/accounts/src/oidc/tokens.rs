//! What a provider's token endpoint answers (RFC 6749 section 5).

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{ProviderError, TokenError};

/// Tokens that a code was exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: Zeroizing<String>,
    #[serde(deserialize_with = "secret")]
    pub(super) id_token: Zeroizing<String>,
    token_type: String,
}

impl Tokens {
    /// The answer to a code (RFC 6749 section 5.1): bearer's tokens, or none.
    pub(super) fn read(body: &[u8]) -> Result<Self, TokenError> {
        let tokens: Self =
            serde_json::from_slice(body).map_err(|_| ProviderError::Malformed("token answer"))?;
        if tokens.token_type.eq_ignore_ascii_case("bearer") {
            Ok(tokens)
        } else {
            Err(ProviderError::Malformed("token type").into())
        }
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// The error that a token endpoint names, if it is a word of RFC 6749 section 5.2 and nothing else.
pub(super) fn oauth_error(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Wire {
        error: String,
    }
    let named = serde_json::from_slice::<Wire>(body).map(|wire| wire.error).unwrap_or_default();
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ]
    .into_iter()
    .find(|known| *known == named)
    .unwrap_or("no error of RFC 6749")
}
