//! The token endpoint (RFC 6749 section 3.2), whose errors are OAuth's own.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{ProblemResponse, Source};
use crate::machines::{AccessToken, GrantError, Scope};
use crate::{Accounts, AccountsError};

/// A request for a token, as a form. The client says who it is here or by HTTP Basic.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// `client_credentials`.
    grant_type: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    /// Some of the client's scopes, separated by spaces; all of them if left out.
    scope: Option<String>,
}

/// A token (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    scope: String,
}

/// An error (RFC 6749 section 5.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenError {
    error: &'static str,
    error_description: &'static str,
}

/// Issues an access token to a confidential client.
#[utoipa::path(post, path = "/v1/oauth/token", security(("client_secret" = [])),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = OK, body = TokenAnswer), (status = 400, body = TokenError), (status = 401, body = TokenError),
        (status = 429)))]
pub(super) async fn token(
    State(accounts): State<Accounts>,
    source: Source,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, ProblemResponse> {
    accounts.throttle_login(source)?;
    match grant(&accounts, &headers, form).await {
        Ok(AccessToken { token, expires_in_s, scopes }) => Ok(no_store(Json(TokenAnswer {
            access_token: token.to_string(),
            token_type: "Bearer",
            expires_in: expires_in_s,
            scope: Scope::write_list(&scopes),
        }))),
        Err(GrantError::Other(error)) => Err(error.into()),
        Err(error) => {
            if matches!(error, GrantError::Client) {
                accounts.record_refused_login(None, &AccountsError::Credentials).await;
            }
            Ok(refusal(&error))
        }
    }
}

async fn grant(
    accounts: &Accounts,
    headers: &HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<AccessToken, GrantError> {
    let Ok(Form(request)) = form else { return Err(GrantError::Request) };
    if request.grant_type != "client_credentials" {
        return Err(GrantError::GrantType);
    }
    let in_body = match (request.client_id, request.client_secret) {
        (Some(id), Some(secret)) => Some((id, Zeroizing::new(secret))),
        (None, None) => None,
        _ => return Err(GrantError::Request),
    };
    // One way only (RFC 6749 section 2.3).
    let (id, secret) = match (headers.get(AUTHORIZATION), in_body) {
        (Some(header), None) => basic(header).ok_or(GrantError::Client)?,
        (None, Some(pair)) => pair,
        (Some(_), Some(_)) => return Err(GrantError::Request),
        (None, None) => return Err(GrantError::Client),
    };
    accounts.grant(&id, &secret, request.scope.as_deref()).await
}

/// HTTP Basic (RFC 7617). Our ids and secrets hold nothing that form encoding would change.
fn basic(header: &HeaderValue) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), Zeroizing::new(secret.to_owned())))
}

fn refusal(error: &GrantError) -> Response {
    let (status, error, error_description) = match error {
        GrantError::GrantType => {
            (StatusCode::BAD_REQUEST, "unsupported_grant_type", "only client_credentials is served")
        }
        GrantError::Client => (StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret"),
        GrantError::Scope => {
            (StatusCode::BAD_REQUEST, "invalid_scope", "the client does not have this scope")
        }
        GrantError::Request | GrantError::Other(_) => {
            (StatusCode::BAD_REQUEST, "invalid_request", "not a client credentials request")
        }
    };
    let mut response = no_store((status, Json(TokenError { error, error_description })));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"sceau\""));
    }
    response
}

fn no_store(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
