//! The pages, embedded in the program, each with the headers that their build asks for (`headers.json`).

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::problem::ProblemResponse;
use crate::denial::Denial;
use crate::manager::KeyManager;

#[derive(RustEmbed)]
#[folder = "../../web/keys/dist"]
#[allow_missing = true]
struct Files;

/// Paths that are views of the one page.
const VIEWS: [&str; 4] = ["/", "/open", "/administration", "/exceptions"];
const HEADERS: &str = "headers.json";
/// Stands for the platform's origin in the headers.
const PLATFORM: &str = "{platform}";

/// Headers by path, as `headers.json` gives them.
static BY_PATH: LazyLock<HashMap<String, HashMap<String, String>>> = LazyLock::new(|| {
    Files::get(HEADERS).and_then(|file| serde_json::from_slice(&file.data).ok()).unwrap_or_default()
});

/// A page, or one of its files.
pub(super) async fn page(State(manager): State<KeyManager>, method: Method, uri: Uri) -> Response {
    let path = uri.path();
    let name = if VIEWS.contains(&path) { "index.html" } else { path.trim_start_matches('/') };
    if !method.is_safe() || name == HEADERS {
        return ProblemResponse::from(Denial::NotFound).into_response();
    }
    // Without the headers that belong to it, no page is served: its policy is part of it.
    let (Some(file), false) = (Files::get(name), BY_PATH.is_empty()) else {
        return missing(name);
    };
    let platform = manager.link().map(|link| link.platform.clone()).unwrap_or_default();
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&media_type(file.metadata.mimetype())) {
        headers.insert(CONTENT_TYPE, kind);
    }
    for (name, value) in headers_for(path) {
        let value = HeaderValue::from_str(&value.replace(PLATFORM, &platform));
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What every answer carries, unless a page said otherwise.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    default(headers, CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(headers, CACHE_CONTROL, "no-store");
    default(headers, HeaderName::from_static("x-content-type-options"), "nosniff");
    default(headers, HeaderName::from_static("referrer-policy"), "no-referrer");
    default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    response
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// By path, by folder, else the rest.
fn headers_for(path: &str) -> impl Iterator<Item = (&String, &String)> {
    let folder = if path.starts_with("/assets/") { "/assets/*" } else { "*" };
    BY_PATH.get(path).or_else(|| BY_PATH.get(folder)).into_iter().flatten()
}

fn media_type(guessed: &str) -> String {
    let text = guessed.starts_with("text/") || guessed == "application/javascript";
    if text { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() }
}

fn missing(name: &str) -> Response {
    if name == "index.html" {
        let why = "The pages were not built into this program: run `npm ci && npm run build` in web/, then build it again.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    }
    ProblemResponse::from(Denial::NotFound).into_response()
}
