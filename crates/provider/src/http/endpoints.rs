//! What sites call themselves, without anybody's browser.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::places;
use super::reading::{Form, Source, authorization};
use crate::grant::Grant;
use crate::oauth::{
    AuthenticatedClient, Authenticates, ErrorCode, GrantKind, Issued, OAuthError, PUSHED_SECONDS, Params,
    bearer,
};
use crate::provider::{Provider, at_hash};

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let error = self.error;
        let mut response = kept_by_nobody(status, &self);
        let scheme = match error {
            ErrorCode::InvalidClient => Some("Basic realm=\"clients\""),
            ErrorCode::InvalidToken => Some("Bearer error=\"invalid_token\""),
            ErrorCode::InsufficientScope => Some("Bearer error=\"insufficient_scope\", scope=\"openid\""),
            _ => None,
        };
        if let Some(scheme) = scheme {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if error == ErrorCode::TemporarilyUnavailable {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }
}

fn kept_by_nobody(status: StatusCode, answer: &impl Serialize) -> Response {
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(json!(answer))).into_response()
}

/// Who calls; an address from which too many proofs fail is not heard for a while.
fn caller(
    provider: &Provider,
    source: Source,
    place: &str,
    headers: &HeaderMap,
    form: &Params,
) -> Result<AuthenticatedClient, OAuthError> {
    let known =
        provider.server.authenticate([place, places::TOKEN], authorization(headers), form, provider.now());
    known.map_err(|error| {
        if error.error == ErrorCode::InvalidClient && provider.failed(source.0) {
            return OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many proofs from your address did not hold: wait a minute",
            );
        }
        tracing::info!(%error, "a client did not prove who it is");
        error
    })
}

/// A token for a code, or for what somebody agreed to without a browser.
pub(super) async fn token(
    State(provider): State<Provider>,
    source: Source,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, OAuthError> {
    let client = caller(&provider, source, places::TOKEN, &headers, &form)?;
    let unsupported =
        || OAuthError::new(ErrorCode::UnsupportedGrantType, "grant_type is authorization_code or CIBA's");
    let kind = GrantKind::parse(form.need("grant_type")?).ok_or_else(unsupported)?;
    if !client.client().grants.contains(&kind) {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "this client is not registered for this grant",
        ));
    }
    let (issued, grant) = match kind {
        GrantKind::Code => provider.server.redeem(&client, &form, provider.now())?,
        GrantKind::Ciba => provider.polled(&client, &form)?,
    };
    told(&provider, &client, &issued, &grant)
}

/// The tokens' answer, with an ID token where somebody logged in.
fn told(
    provider: &Provider,
    client: &AuthenticatedClient,
    issued: &Issued,
    grant: &Grant,
) -> Result<Response, OAuthError> {
    let mut answer = json!(issued);
    if !issued.scope.split(' ').any(|word| word == "openid") {
        return Ok(kept_by_nobody(StatusCode::OK, &answer));
    }
    let Grant::Login(login) = grant;
    let now = provider.now();
    let ends = now / 1000 + provider.plan.token_seconds;
    let hash = at_hash(&issued.access_token);
    let claims = login.id_token(provider.server.issuer(), client.client(), hash, now / 1000, ends);
    let token = provider.keys.sign(&claims, now).map_err(|error| {
        tracing::error!(%error, "no ID token can be signed");
        OAuthError::new(ErrorCode::ServerError, "no ID token can be signed just now")
    })?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("id_token".to_owned(), token.into());
    }
    Ok(kept_by_nobody(StatusCode::OK, &answer))
}

/// Keeps a request for a browser to name (RFC 9126).
pub(super) async fn push(
    State(provider): State<Provider>,
    source: Source,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, OAuthError> {
    let client = caller(&provider, source, places::PUSH, &headers, &form)?;
    if matches!(client.client().authenticates, Authenticates::Nobody) && !provider.may_push(source.0) {
        return Err(OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "too many requests were pushed from your address: wait a minute",
        ));
    }
    let request_uri = provider.server.push(&client, form, provider.now())?;
    let answer = json!({"request_uri": request_uri, "expires_in": PUSHED_SECONDS});
    Ok(kept_by_nobody(StatusCode::CREATED, &answer))
}

/// Begins a login without a browser (CIBA Core section 7).
pub(super) async fn back(
    State(provider): State<Provider>,
    source: Source,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, OAuthError> {
    let client = caller(&provider, source, places::BACK, &headers, &form)?;
    let began = provider.began(&client, &form).await?;
    Ok(kept_by_nobody(StatusCode::OK, &began))
}

/// Takes a token back (RFC 7009).
pub(super) async fn revoke(
    State(provider): State<Provider>,
    source: Source,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, OAuthError> {
    let client = caller(&provider, source, places::REVOKE, &headers, &form)?;
    provider.server.revoke(&client, &form, provider.now())?;
    Ok(kept_by_nobody(StatusCode::OK, &Value::Object(Default::default())))
}

/// Who logged in, to whom has the token (OpenID Connect Core section 5.3).
pub(super) async fn userinfo(
    State(provider): State<Provider>,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    let none =
        || OAuthError::new(ErrorCode::InvalidToken, "a bearer token in the Authorization header is needed");
    let token = bearer(authorization(&headers)).ok_or_else(none)?;
    let token = provider.server.token(token, provider.now())?;
    if !token.scope.contains("openid") {
        return Err(OAuthError::new(ErrorCode::InsufficientScope, "the token is not for this"));
    }
    let Grant::Login(login) = &token.grant;
    Ok(kept_by_nobody(StatusCode::OK, &login.userinfo(token.scope.contains("profile"))))
}
