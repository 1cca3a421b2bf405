//! What a page of another origin may do with an answer (Fetch, CORS protocol). Who is let in, the caller decides.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE,
};
use axum::http::{HeaderMap, HeaderValue};

/// Lets pages of `origin` read the answer; `preflight` names the methods that may follow, where the request asked for them. Bearers, never cookies.
pub(crate) fn let_in(headers: &mut HeaderMap, origin: HeaderValue, preflight: Option<&'static str>) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let Some(methods) = preflight else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}
