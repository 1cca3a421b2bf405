//! A request on its way to an upstream, and the answer on its way back: what belongs to one connection stays there, and who calls is said by
//! the gate alone.

use std::net::IpAddr;

use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, FORWARDED,
        HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::{
    answer::{Body, Failure},
    guard::Passed,
    route::{Host, NoHost},
    upgrade,
    upstream::{Errand, Trouble, Upload, Upstreams},
};

/// RFC 9440.
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
/// Who calls, signed.
const ASSERTION: HeaderName = HeaderName::from_static("sceau-assertion");
/// Said where the client passes though no current list speaks for its certificate.
const REVOCATION: HeaderName = HeaderName::from_static("sceau-revocation");
/// Of a request, in the service's log and in the gate's.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// To which trace it belongs, where traces are kept (W3C Trace Context).
pub(crate) const TRACE: HeaderName = HeaderName::from_static("traceparent");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Of one connection (RFC 9110 §7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
/// Said by the gate, whatever a client says; and what some services take for another address, or for who asks.
const NOT_A_CLIENTS: [HeaderName; 23] = [
    ASSERTION,
    CLIENT_CERT,
    CLIENT_CERT_CHAIN,
    REVOCATION,
    REQUEST_ID,
    FORWARDED,
    FORWARDED_FOR,
    FORWARDED_HOST,
    FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-forwarded-client-cert"),
    HeaderName::from_static("x-client-cert"),
    HeaderName::from_static("x-arr-clientcert"),
    HeaderName::from_static("x-amzn-mtls-clientcert"),
];
/// Beginnings of what other proxies call the parts of a client's certificate.
const CERTIFICATES_PARTS: [&str; 3] = ["x-ssl-client-", "ssl-client-", "x-amzn-mtls-clientcert-"];

/// What a service might take for a header where it reads it after the body: besides those, what frames, routes and proves (RFC 9110 §6.5.1).
const NO_TRAILERS: [HeaderName; 9] = [
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    TRAILER,
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    CONTENT_TYPE,
    CONTENT_ENCODING,
];

/// How a request came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    Https,
    Http,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What is said of a request to the service, and goes with it.
pub(crate) struct Onward<'a> {
    pub(crate) host: &'a Host,
    pub(crate) from: IpAddr,
    pub(crate) scheme: Scheme,
    /// None: the route asks nobody who it is.
    pub(crate) who: Option<&'a Passed>,
    /// The same, signed.
    pub(crate) assertion: Option<HeaderValue>,
    pub(crate) errand: Errand,
}

/// Sends a request to a service, its path, method, body and other headers as they are. `may_go_on` is asked again and again while a WebSocket is open.
pub(crate) async fn forward(
    upstreams: &Upstreams,
    mut request: Request<Upload>,
    onward: Onward<'_>,
    may_go_on: impl Fn() -> bool + Send + 'static,
) -> Result<Response<Body>, Failure> {
    let client = upgrade::asked(&mut request);
    *request.version_mut() = hyper::Version::HTTP_11;
    let is_of_unknown_length =
        client.is_none() && !request.body().is_over() && !request.headers().contains_key(CONTENT_LENGTH);
    let headers = request.headers_mut();
    let trailers = says(headers, &TE, "trailers");
    // Before a client can name them as its connection's own.
    let own = [REQUEST_ID, TRACE].map(|name| headers.remove(&name).map(|value| (name, value)));
    strip(headers);
    withhold(headers);
    headers.extend(own.into_iter().flatten());
    if client.is_some() {
        upgrade::say(headers);
    } else if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if is_of_unknown_length {
        // Without it, a GET would lose its body on the way.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    tell(headers, &onward)?;
    let mut response = upstreams.send(request, onward.errand).await.map_err(|trouble| trouble.failure())?;
    strip(response.headers_mut());
    *response.version_mut() = hyper::Version::HTTP_11;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let client = client.ok_or_else(|| Trouble::Away.failure())?;
        let service = hyper::upgrade::on(&mut response);
        upgrade::say(response.headers_mut());
        tokio::spawn(upgrade::carry(client, service, may_go_on));
    }
    Ok(response)
}

/// Who calls, from where and for whom.
fn tell(headers: &mut HeaderMap, onward: &Onward<'_>) -> Result<(), Failure> {
    let Onward { host, from, scheme, who, assertion, .. } = onward;
    let host = host.as_str().to_owned();
    for (name, value) in [(HOST, host.clone()), (FORWARDED_HOST, host), (FORWARDED_FOR, from.to_string())] {
        let malformed = |_| Failure::of(StatusCode::BAD_REQUEST, NoHost::Malformed.code());
        headers.insert(name, HeaderValue::from_str(&value).map_err(malformed)?);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme.name()));
    headers.extend(assertion.clone().map(|word| (ASSERTION, word)));
    if let Some(who) = who {
        headers.insert(CLIENT_CERT, who.certificate().clone());
        headers.extend(who.path().cloned().map(|path| (CLIENT_CERT_CHAIN, path)));
        if who.is_unchecked() {
            headers.insert(REVOCATION, HeaderValue::from_static("unchecked"));
        }
    }
    Ok(())
}

/// Drops of a request's trailers what would be more than a trailer.
pub(crate) fn trim(trailers: &mut HeaderMap) {
    strip(trailers);
    withhold(trailers);
    NO_TRAILERS.iter().for_each(|name| drop(trailers.remove(name)));
}

/// Whether one of the words of a header is this one.
pub(crate) fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// Drops what no client says here, under each spelling that a service behind may take for it: to some, all but letters and digits is one (RFC 3875
/// §4.1.18).
pub(crate) fn withhold(headers: &mut HeaderMap) {
    let is_one = |octet: u8| if octet.is_ascii_alphanumeric() { octet } else { b'-' };
    let taken = |name: &&HeaderName| {
        let read = |len: usize| name.as_str().bytes().take(len).map(is_one);
        NOT_A_CLIENTS
            .iter()
            .any(|one| one.as_str().len() == name.as_str().len() && read(usize::MAX).eq(one.as_str().bytes()))
            || CERTIFICATES_PARTS.iter().any(|part| read(part.len()).eq(part.bytes()))
    };
    let lies: Vec<HeaderName> = headers.keys().filter(taken).cloned().collect();
    lies.iter().for_each(|name| drop(headers.remove(name)));
}

pub(crate) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    named.iter().chain(&HOP_BY_HOP).for_each(|name| drop(headers.remove(name)));
}
