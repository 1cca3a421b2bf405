//! What a caller reads when the gate itself answers.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full, combinators::BoxBody};
use hyper::{
    Response, StatusCode,
    body::Body as _,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use rustls::pki_types::CertificateDer;
use sceau_pki::ClientIdentity;
use serde_json::Value;

use crate::{guard::Denial, json::harmless};

/// A body of either side.
pub(crate) type Body = BoxBody<Bytes, BoxError>;

/// Why a body ends early.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The stable code of a refusal, and its reason in words.
const CODE: HeaderName = HeaderName::from_static("sceau-code");
const REASON: HeaderName = HeaderName::from_static("sceau-reason");

/// `{"status": "available"}` and the like.
pub(crate) fn status(code: StatusCode, said: &str) -> Response<Body> {
    status_of(code, said, &[])
}

/// As [`status`], with what is out of date.
pub(crate) fn status_of(code: StatusCode, said: &str, stale: &[Value]) -> Response<Body> {
    let stale =
        if stale.is_empty() { String::new() } else { format!(r#", "stale": {}"#, Value::from(stale)) };
    json(code, format!(r#"{{"status": {}{stale}}}"#, Value::from(said)))
}

/// The keys with which what services are told can be checked (RFC 7517 §5).
pub(crate) fn keys(keys: Vec<Value>) -> Response<Body> {
    json(StatusCode::OK, format!(r#"{{"keys": {}}}"#, Value::from(keys)))
}

/// Why the gate itself answers, where nobody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
}

impl Failure {
    /// A library fails that should not.
    pub(crate) const INTERNAL: Self = Self::of(StatusCode::INTERNAL_SERVER_ERROR, "internal");

    pub(crate) const fn of(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
    }

    /// What the caller reads.
    pub(crate) fn response(self) -> Response<Body> {
        let Self { status, code } = self;
        let mut response = json(status, format!(r#"{{"status": "KO", "code": "{code}"}}"#));
        response.headers_mut().insert(CODE, HeaderValue::from_static(code));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            // Nothing listens here any more.
            StatusCode::MISDIRECTED_REQUEST => closing(response),
            _ => response,
        }
    }
}

/// The same to an application of this machine, in words.
pub(crate) fn failure_in_words(
    status: StatusCode,
    code: &'static str,
    words: &'static str,
) -> Response<Body> {
    json(status, format!(r#"{{"status": "KO", "code": "{code}", "reason": {}}}"#, Value::from(words)))
}

/// Says why in headers, unless they say so already.
pub(crate) fn explain(response: &mut Response<Body>, code: &'static str, words: &'static str) {
    for (name, said) in [(CODE, code), (REASON, words)] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(said));
    }
}

/// The code of an answer of the gate's own.
pub(crate) fn code(response: &Response<Body>) -> Option<&str> {
    response.headers().get(CODE).and_then(|code| code.to_str().ok())
}

/// The last answer of a connection.
pub(crate) fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The same to whoever asked for the head alone, with the length that is not sent (RFC 9110 §9.3.2): hyper leaves the body away by itself in HTTP/1.1, not
/// in HTTP/2, where it would break the stream (RFC 9113 §8.1.1).
pub(crate) fn head_of(response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| Empty::new().map_err(|never| match never {}).boxed());
    if let Some(length) = length {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response
}

/// A refusal, its body as health platforms expect it; what it says beyond that is in headers.
pub(crate) fn denied(
    denial: &Denial,
    chain: Option<&[CertificateDer<'_>]>,
    at_check: bool,
) -> Response<Body> {
    let identity = chain.and_then(<[_]>::first).and_then(|leaf| ClientIdentity::read(leaf).ok());
    let name = identity.as_ref().and_then(|identity| identity.subject.common_name()).unwrap_or_default();
    let (code, status) = match denial {
        Denial::Certificate(_) if !at_check => (StatusCode::UNAUTHORIZED, "KO:Unauthorized"),
        _ => (StatusCode::FORBIDDEN, "KO:Forbidden"),
    };
    // The annex's spaces, which a JSON writer would leave out; its values escaped, which the annex does not do.
    let [verify, name] = [denial.verify(), &name].map(Value::from);
    let mut response = json(code, format!(r#"{{"status": "{status}", "verify": {verify}, "CN": {name}}}"#));
    let headers = response.headers_mut();
    headers.insert(CODE, HeaderValue::from_static(denial.code()));
    if let Ok(reason) = HeaderValue::from_str(&denial.reason()) {
        headers.insert(REASON, reason);
    }
    response
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let body = Full::from(harmless(&body)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
