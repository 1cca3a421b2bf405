//! What sites' programs read to know this provider (OpenID Connect Discovery 1.0, RFC 8414).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::places;
use crate::oauth::GrantKind;
use crate::provider::Provider;

/// How long others may keep it: far below the day that a key is published before it signs.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

pub(super) async fn configuration(State(provider): State<Provider>) -> Response {
    let issuer = provider.server.issuer();
    let at = |place: &str| format!("{issuer}{place}");
    let algorithms = ["ES256", "ES384", "PS256", "RS256", "EdDSA"];
    let methods = ["private_key_jwt", "client_secret_basic", "none"];
    let answer = json!({
        "issuer": issuer,
        "authorization_endpoint": at(places::AUTHORIZE),
        "token_endpoint": at(places::TOKEN),
        "pushed_authorization_request_endpoint": at(places::PUSH),
        "backchannel_authentication_endpoint": at(places::BACK),
        "revocation_endpoint": at(places::REVOKE),
        "userinfo_endpoint": at(places::USERINFO),
        "jwks_uri": at(places::KEYS),
        "scopes_supported": ["openid", "profile", "service"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [GrantKind::Code.as_str(), GrantKind::Ciba.as_str()],
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "acr_values_supported": [provider.plan.acr],
        "claims_supported": ["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "name", "given_name", "family_name"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": ["fr", "en"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
    });
    ([(CACHE_CONTROL, KEPT)], Json(answer)).into_response()
}

pub(super) async fn keys(State(provider): State<Provider>) -> Response {
    ([(CACHE_CONTROL, KEPT)], Json(provider.keys.published())).into_response()
}
