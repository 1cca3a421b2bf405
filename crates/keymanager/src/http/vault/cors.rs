//! One foreign page, where the organisation names its origin: it may log in and fetch keys, nothing more. Never `*`.
//!
//! A browser sends no client certificate with a preflight, so the preflight needs none; it says nothing that a stranger may not know.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::manager::KeyManager;

pub(super) async fn allow(State(manager): State<KeyManager>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let method = if path == "/v1/auth/cert/login" {
        "POST"
    } else if path.starts_with("/v1/transit/export/encryption-key/") {
        "GET"
    } else {
        return next.run(request).await;
    };
    let named = manager.settings().transit.as_ref().and_then(|transit| transit.page_origin.clone());
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let shown = origins.next().filter(|_| origins.next().is_none()).cloned();
    let ours =
        named.is_some_and(|named| shown.as_ref().is_some_and(|shown| shown.as_bytes() == named.as_bytes()));
    let preflight = request.method() == Method::OPTIONS;
    let mut response = match (preflight, ours) {
        (true, true) => StatusCode::NO_CONTENT.into_response(),
        (true, false) => StatusCode::FORBIDDEN.into_response(),
        (false, _) => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let (true, Some(origin)) = (ours, shown) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        // The client certificate is a credential (Fetch standard, section 3.2.5).
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(method));
            let allowed = HeaderValue::from_static("content-type, x-vault-request, x-vault-token");
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
    response
}
