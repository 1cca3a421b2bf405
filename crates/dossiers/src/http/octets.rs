//! Binary bodies and answers.

use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::Fault;

/// The SHA-256 that the sender computed (RFC 9530 §2): `Content-Digest: sha-256=:base64:`.
///
/// # Errors
/// When it is missing or is not one: a body without it would be accepted damaged.
pub(super) fn content_digest(headers: &HeaderMap) -> Result<[u8; 32], Fault> {
    let missing = || Fault::malformed("send Content-Digest: sha-256=:…: with the SHA-256 of the body");
    let value = headers.get("content-digest").and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    let encoded = value
        .split(',')
        .filter_map(|member| member.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))
        .next()
        .ok_or_else(missing)?;
    STANDARD.decode(encoded).ok().and_then(|digest| digest.try_into().ok()).ok_or_else(missing)
}

/// Bytes that a browser must neither interpret nor keep.
pub(super) fn octets(bytes: Bytes) -> Response {
    const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
    ([(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "no-store"), (NO_SNIFF, "nosniff")], bytes)
        .into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn digest_of(value: &str) -> Result<[u8; 32], Fault> {
        let mut headers = HeaderMap::new();
        headers.insert("content-digest", value.parse().unwrap());
        content_digest(&headers)
    }

    #[test]
    fn a_digest_is_read_among_others() {
        let digest = STANDARD.encode([7; 32]);
        assert_eq!(digest_of(&format!("sha-256=:{digest}:")).unwrap(), [7; 32]);
        assert_eq!(digest_of(&format!("sha-512=:{digest}:, sha-256=:{digest}:")).unwrap(), [7; 32]);
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(digest_of("sha-256=abc").is_err());
        assert!(digest_of(&format!("sha-512=:{}:", STANDARD.encode([7; 32]))).is_err());
        assert!(digest_of(&format!("sha-256=:{}:", STANDARD.encode([7; 31]))).is_err());
        assert!(content_digest(&HeaderMap::new()).is_err());
    }
}
