//! A request on its way to an upstream, and the answer on its way back: what belongs to one connection stays there, and who calls is said by
//! the gate alone.

use std::{net::IpAddr, sync::Arc};

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
    told::{Part, Told},
    upgrade,
    upstream::{Errand, StaysOpen, Trouble, Upload, Upstreams},
};

/// Of a request, in the service's log and in the gate's.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// To which trace it belongs, where traces are kept (W3C Trace Context).
pub(crate) const TRACE: HeaderName = HeaderName::from_static("traceparent");
/// Of one connection (RFC 9110 §7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
/// What the gate usually says, whatever a client says; and what some services take for another address, or for who asks. What the file chooses besides is
/// [`crate::told::Withheld`].
pub(crate) const NOT_A_CLIENTS: [HeaderName; 29] = [
    HeaderName::from_static("sceau-assertion"),
    HeaderName::from_static("client-cert"),
    HeaderName::from_static("client-cert-chain"),
    HeaderName::from_static("sceau-revocation"),
    REQUEST_ID,
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-forwarded-client-cert"),
    HeaderName::from_static("x-client-cert"),
    HeaderName::from_static("x-arr-clientcert"),
    HeaderName::from_static("x-amzn-mtls-clientcert"),
    HeaderName::from_static("x-client-verify"),
    HeaderName::from_static("x-client-dn"),
    HeaderName::from_static("x-remote-user"),
    HeaderName::from_static("remote-user"),
];
/// Beginnings of what other proxies call the parts of a client's certificate.
pub(crate) const CERTIFICATES_PARTS: [&str; 5] = [
    "x-ssl-client-",
    "ssl-client-",
    "x-amzn-mtls-clientcert-",
    "x-client-cert-",
    "x-forwarded-tls-client-cert",
];

/// What frames, routes and proves, besides those.
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

/// Beginnings of what HTTP and browsers mean by a header, whoever says it.
const OF_HTTP: [&str; 8] = ["accept", "cache-", "content-", "cookie", "if-", "proxy-", "sec-", "trace"];
/// The same, whole: what frames, routes and proves is [`HOP_BY_HOP`] and [`NO_TRAILERS`].
const OF_HTTP_WHOLE: [&str; 9] =
    ["date", "forwarded", "max-forwards", "origin", "range", "referer", "set-cookie", "user-agent", "via"];

/// What is of HTTP and may follow a body all the same: what the body is to be compared with (RFC 9530 §2).
const DIGEST: HeaderName = HeaderName::from_static("content-digest");

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
    /// Under which names it is said.
    pub(crate) told: &'a Told,
    pub(crate) errand: Errand,
}

/// Sends a request to a service, its path, method, body and other headers as they are. `open` is asked again and again while a WebSocket is.
pub(crate) async fn forward(
    upstreams: &Upstreams,
    mut request: Request<Upload>,
    onward: Onward<'_>,
    open: Arc<dyn StaysOpen>,
) -> Result<Response<Body>, Failure> {
    let client = upgrade::asked(&mut request);
    *request.version_mut() = hyper::Version::HTTP_11;
    let is_of_unknown_length =
        client.is_none() && !request.body().is_over() && !request.headers().contains_key(CONTENT_LENGTH);
    request.body().withhold(onward.told.withheld());
    let headers = request.headers_mut();
    let trailers = says(headers, &TE, "trailers");
    // Before a client can name them as its connection's own.
    let [id, trace] = [REQUEST_ID, TRACE].map(|name| headers.remove(&name));
    strip(headers);
    withhold(headers);
    onward.told.withheld().strip(headers);
    join_cookies(headers);
    headers.extend(trace.map(|trace| (TRACE, trace)));
    id.into_iter().for_each(|id| onward.told.say(headers, Part::RequestId, id));
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
        tokio::spawn(upgrade::carry(client, service, open));
    }
    Ok(response)
}

/// Who calls, from where and for whom.
fn tell(headers: &mut HeaderMap, onward: &Onward<'_>) -> Result<(), Failure> {
    let Onward { host, from, scheme, who, assertion, told, .. } = onward;
    let value = |text: &str| {
        let malformed = |_| Failure::of(StatusCode::BAD_REQUEST, NoHost::Malformed.code());
        HeaderValue::from_str(text).map_err(malformed)
    };
    let host = value(host.as_str())?;
    headers.insert(HOST, host.clone());
    told.say(headers, Part::ForwardedHost, host);
    told.say(headers, Part::ForwardedFor, value(&from.to_string())?);
    told.say(headers, Part::ForwardedProto, HeaderValue::from_static(scheme.name()));
    assertion.iter().for_each(|word| told.say(headers, Part::Assertion, word.clone()));
    if let Some(who) = who {
        who.said().for_each(|(part, value)| told.say(headers, *part, value.clone()));
        if who.is_unchecked() {
            told.say(headers, Part::Revocation, HeaderValue::from_static("unchecked"));
        }
    }
    Ok(())
}

/// Drops of a request's trailers what would be more than a trailer, where a service takes them for headers (RFC 9110 §6.5.1).
pub(crate) fn trim(trailers: &mut HeaderMap) {
    strip(trailers);
    withhold(trailers);
    drop_those(trailers, |name| is_of_http(name) && *name != DIGEST);
}

/// Whether one of the words of a header is this one.
pub(crate) fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// Drops what no client says here, under each spelling that a service behind may take for it: to some, all but letters and digits is one (RFC 3875
/// §4.1.18). So does what they may take for HTTP's own framing, and what proves.
pub(crate) fn withhold(headers: &mut HeaderMap) {
    drop_those(headers, |name| {
        NOT_A_CLIENTS.iter().any(|one| is_alike(one, name))
            || CERTIFICATES_PARTS.iter().any(|part| begins(name, part))
            || is_odd(name) && HOP_BY_HOP.iter().chain(&NO_TRAILERS).any(|own| is_alike(own, name))
    });
}

fn drop_those(headers: &mut HeaderMap, is_one: impl Fn(&HeaderName) -> bool) {
    let those: Vec<HeaderName> = headers.keys().filter(|name| is_one(name)).cloned().collect();
    those.iter().for_each(|name| drop(headers.remove(name)));
}

/// Whether it is a name that some read as another: HTTP's own have letters, digits and hyphens.
fn is_odd(name: &HeaderName) -> bool {
    name.as_str().bytes().any(|octet| !octet.is_ascii_alphanumeric() && octet != b'-')
}

/// One line of what HTTP/2 may send in crumbs (RFC 9113 §8.2.3): of several, some services read the first alone.
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) else { return };
    headers.insert(COOKIE, whole);
}

/// Whether some service takes one name for the other.
pub(crate) fn is_alike(one: &HeaderName, other: &HeaderName) -> bool {
    one.as_str().len() == other.as_str().len() && read(one).eq(read(other))
}

/// Whether a header is read by HTTP itself, by who keeps traces or by who asks for a proof, so that the file can choose it for nothing else.
pub(crate) fn is_of_http(name: &HeaderName) -> bool {
    let [hop_by_hop, framing] = [&HOP_BY_HOP[..], &NO_TRAILERS];
    hop_by_hop.iter().chain(framing).any(|own| is_alike(own, name))
        || OF_HTTP.iter().any(|part| begins(name, part))
        || OF_HTTP_WHOLE.iter().any(|whole| read(name).eq(whole.bytes()))
}

fn begins(name: &HeaderName, part: &str) -> bool {
    read(name).take(part.len()).eq(part.bytes())
}

/// A name as a server reads it to which all but letters and digits is one.
fn read(name: &HeaderName) -> impl Iterator<Item = u8> + '_ {
    name.as_str().bytes().map(|octet| if octet.is_ascii_alphanumeric() { octet } else { b'-' })
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
