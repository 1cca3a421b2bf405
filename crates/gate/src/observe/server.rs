//! Where whoever looks is answered: by loopback or a socket, apart from clients and their requests.

use std::{convert::Infallible, io, net::IpAddr, os::fd::OwnedFd, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{metrics::metrics, page::file, settings::Observing, state::state};
use crate::{
    answer::Body,
    clock::now,
    door::{At, Door, Taken, Visitor},
    error::Error,
    given::Given,
    live::Live,
    route::bare,
};

/// Who looks at once, at most.
pub(crate) const LOOKERS: usize = 32;
/// How long one has, from the handshake to the last octet of the one answer: who reads none of it leaves the door to others.
const WITHIN: Duration = Duration::from_secs(10);
/// Scripts and styles of the page's own, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Observer(Door);

impl Observer {
    /// Takes the address that is wanted, if any: nobody is answered before [`Self::start`].
    ///
    /// # Errors
    /// As [`Taken::take`].
    pub(crate) async fn take(wanted: &Observing, given: &Given) -> Result<Option<Taken>, Error> {
        let Some(at) = &wanted.at else { return Ok(None) };
        Taken::take(at, "observe, address", given).await.map(Some)
    }

    pub(crate) fn start(taken: Taken, live: Arc<Live>) -> Self {
        // Whoever watches is answered when no client is any more.
        let enter = || async { Some(()) };
        Self(taken.open(LOOKERS, enter, move |visitor| attend(visitor, Arc::clone(&live))))
    }

    /// Another handle on its socket.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn lend(&self) -> io::Result<OwnedFd> {
        self.0.lend()
    }

    /// Whether it answers where this is wanted.
    pub(crate) fn is_at(&self, wanted: &Observing) -> bool {
        wanted.at.as_ref() == Some(self.0.at())
    }
}

async fn attend(visitor: Visitor, live: Arc<Live>) {
    let service = service_fn(|request| {
        let response = respond(&request, &live);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(WITHIN).keep_alive(false);
    let connection = builder.serve_connection(TokioIo::new(visitor.stream), service);
    drop(tokio::time::timeout(WITHIN, connection).await);
}

fn respond<B>(request: &Request<B>, live: &Live) -> Response<Body> {
    let plan = live.plan();
    let Some(observing) = &plan.observing else { return said(StatusCode::NOT_FOUND, "text/plain", "") };
    if !is_ours(request, observing) {
        let words = "this name is not one of the gate's: ask by its address, or add the name to `names` in [observe]\n";
        return said(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", words);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return said(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "");
    }
    match request.uri().path() {
        "/metrics" => said(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics(&plan, now())),
        "/state.json" => said(StatusCode::OK, "application/json", state(&plan, now())),
        path => match file(path) {
            Some((kind, text)) => said(StatusCode::OK, kind, text),
            None => said(StatusCode::NOT_FOUND, "text/plain", ""),
        },
    }
}

/// A page of elsewhere may bind its own name to this address, and would then be read to: it is asked for by a name that is ours, or by none.
fn is_ours<B>(request: &Request<B>, observing: &Observing) -> bool {
    let said = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = said.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(said, |(name, _)| name);
    matches!(observing.at, Some(At::Unix(..)))
        || bare(name).parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || observing.names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn said(status: StatusCode, kind: &'static str, body: impl Into<bytes::Bytes>) -> Response<Body> {
    use http_body_util::{BodyExt as _, Full};
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
