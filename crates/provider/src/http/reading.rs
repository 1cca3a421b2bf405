//! What is read of requests.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use sceau_store::neighbourhood;

use super::LARGEST;
use crate::oauth::{ErrorCode, OAuthError, Params};
use crate::provider::Provider;

/// How long a form may take to arrive.
const BODY: Duration = Duration::from_secs(10);

/// The machine that asks: of IPv6, its network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source(pub(super) IpAddr);

impl FromRequestParts<Provider> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, provider: &Provider) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self(neighbourhood(provider.plan.proxies.client(peer, &parts.headers))))
    }
}

/// A form, each field once.
#[derive(Debug)]
pub(super) struct Form(pub(super) Params);

impl FromRequest<Provider> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &Provider) -> Result<Self, OAuthError> {
        let wrong = |why: &'static str| OAuthError::new(ErrorCode::InvalidRequest, why);
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err(wrong("a form is application/x-www-form-urlencoded"));
        }
        let read = tokio::time::timeout(BODY, to_bytes(request.into_body(), LARGEST)).await;
        let body = read.map_err(|_| wrong("the form took too long to arrive"))?;
        let body = body.map_err(|_| wrong("a form has at most 32 KiB"))?;
        let text = std::str::from_utf8(&body).map_err(|_| wrong("a form is text"))?;
        Ok(Self(Params::parse(text)?))
    }
}

/// The one `Authorization` header.
pub(super) fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()
}

/// The languages that a browser asks for.
pub(super) fn accepted(headers: &HeaderMap) -> Option<&str> {
    headers.get(ACCEPT_LANGUAGE)?.to_str().ok()
}

/// A cookie's value.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split("; ")).filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// Whether a form was sent by a page of ours: each browser says from where, and a page of another site cannot say otherwise.
pub(super) fn is_own(headers: &HeaderMap, issuer: &str) -> bool {
    let fetched = headers.get(HeaderName::from_static("sec-fetch-site")).map(|site| site.as_bytes());
    let same = fetched.is_none_or(|site| site == b"same-origin");
    same && headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes() == issuer.as_bytes())
}
