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
    told::{Part, Told},
    upgrade,
    upstream::{Errand, Trouble, Upload, Upstreams},
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
pub(crate) const NOT_A_CLIENTS: [HeaderName; 23] = [
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
pub(crate) const CERTIFICATES_PARTS: [&str; 3] = ["x-ssl-client-", "ssl-client-", "x-amzn-mtls-clientcert-"];

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

/// Beginnings of what HTTP and browsers mean by a header, whoever says it.
const OF_HTTP: [&str; 8] = ["accept", "cache-", "content-", "cookie", "if-", "proxy-", "sec-", "trace"];
/// The same, whole: what frames, routes and proves is [`HOP_BY_HOP`] and [`NO_TRAILERS`].
const OF_HTTP_WHOLE: [&str; 9] =
    ["date", "forwarded", "max-forwards", "origin", "range", "referer", "set-cookie", "user-agent", "via"];

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
    request.body().withhold(onward.told.withheld());
    let headers = request.headers_mut();
    let trailers = says(headers, &TE, "trailers");
    // Before a client can name them as its connection's own.
    let [id, trace] = [REQUEST_ID, TRACE].map(|name| headers.remove(&name));
    strip(headers);
    withhold(headers);
    onward.told.withheld().strip(headers);
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
        tokio::spawn(upgrade::carry(client, service, may_go_on));
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
    let taken = |name: &&HeaderName| {
        NOT_A_CLIENTS.iter().any(|one| is_alike(one, name))
            || CERTIFICATES_PARTS.iter().any(|part| begins(name, part))
    };
    let lies: Vec<HeaderName> = headers.keys().filter(taken).cloned().collect();
    lies.iter().for_each(|name| drop(headers.remove(name)));
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
