//! The platform's pages, embedded in the program, with the headers that hold them to themselves.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sceau_accounts::ProblemResponse;
use sceau_dossiers::Code;

/// Nothing from elsewhere, nothing inline, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "../../web/platform/dist"]
#[allow_missing = true]
struct Pages;

/// Answers every path that no route took: a file of the bundle, or the application's page.
///
/// `intake` is the web origin of the intake, the one other origin that pages may call.
pub(crate) fn pages(intake: Option<&str>) -> Router {
    let connect = intake.map_or_else(String::new, |origin| format!(" {origin}"));
    let policy = POLICY.replace("connect-src 'self'", &format!("connect-src 'self'{connect}"));
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY));
    Router::new().fallback(move |method: Method, uri: Uri| page(policy.clone(), method, uri))
}

/// The letters of the pages whose file begins so, for roles that serve pages of their own.
pub(super) fn font(begins: &str) -> Option<Vec<u8>> {
    let of_it = |name: &str| {
        name.strip_prefix("assets/").is_some_and(|name| name.starts_with(begins) && name.ends_with(".woff2"))
    };
    Pages::iter()
        .find(|name| of_it(name) && !name.contains("italic"))
        .and_then(|name| Pages::get(&name))
        .map(|file| file.data.into_owned())
}

async fn page(policy: HeaderValue, method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if !method.is_safe() || path.starts_with("v1/") || path.starts_with("trace/") {
        return nothing_here();
    }
    match Pages::get(path).filter(|_| !path.is_empty()) {
        Some(file) => bundled(file, path.starts_with("assets/"), policy),
        None => match Pages::get("index.html") {
            Some(file) => bundled(file, false, policy),
            None => missing(),
        },
    }
}

fn bundled(file: EmbeddedFile, immutable: bool, policy: HeaderValue) -> Response {
    let kind = file.metadata.mimetype().to_owned();
    let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Programs that miss a route are told so in the form of every other refusal.
fn nothing_here() -> Response {
    let problem = Code::NotFound
        .problem()
        .with_detail("Check the address against /v1/openapi.json, and the versions of both sides.");
    ProblemResponse::from(problem).into_response()
}

fn missing() -> Response {
    let words = "The pages are not in this build: build web/ first (npm run build), then the program again.";
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_page_is_refused_as_a_problem() {
        for (method, path) in [
            (Method::GET, "/v1/nothing"),
            (Method::GET, "/trace/nothing"),
            (Method::POST, "/"),
            (Method::DELETE, "/deposer"),
        ] {
            let policy = HeaderValue::from_static(POLICY);
            let answer = page(policy, method.clone(), Uri::from_static(path)).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
            let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            assert_eq!(kind, Some(sceau_element_api::problem::MEDIA_TYPE), "{method} {path}");
        }
    }
}
