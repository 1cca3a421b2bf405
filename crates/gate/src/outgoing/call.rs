//! Calls of applications of this machine, each sent to the partner.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{HOST, HeaderName, HeaderValue, ORIGIN, PROXY_AUTHORIZATION, REFERER, TE, VIA},
    http::uri::PathAndQuery,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{Outgoing, words};
use crate::{
    answer::{self, Body},
    connection::HEAD,
    door::{At, Door, Taken},
    forward::{says, strip, withhold},
    holding::Stream,
    live::Live,
    upstream::{Errand, Upload},
};

/// Applications that are connected at once.
const CALLERS: usize = 1024;
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Of this machine's own business.
const OURS: [HeaderName; 5] = [PROXY_AUTHORIZATION, REFERER, VIA, HeaderName::from_static("x-real-ip"), HOST];

/// Lets applications in at an address that is taken.
pub(crate) fn open(taken: Taken, live: Arc<Live>) -> Door {
    let (at, crowd) = (taken.at().clone(), Arc::clone(&live.crowd));
    // They want descriptors as clients do, of the same ones.
    let enter = move || {
        let crowd = Arc::clone(&crowd);
        async move { crowd.permit().await }
    };
    taken.open(CALLERS, enter, move |visitor| {
        attend(visitor.stream, Here { at: at.clone(), own: visitor.own, live: Arc::clone(&live) })
    })
}

/// Where a request came in.
struct Here {
    at: At,
    own: Option<SocketAddr>,
    live: Arc<Live>,
}

async fn attend(stream: Box<dyn Stream>, here: Here) {
    let here = Arc::new(here);
    let service = service_fn(move |request| {
        let here = Arc::clone(&here);
        async move { Ok::<_, Infallible>(here.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD);
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}

impl Here {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let plan = self.live.plan();
        let Some(outgoing) = plan.outgoing.iter().find(|outgoing| outgoing.at == self.at) else {
            let gone = said(
                StatusCode::MISDIRECTED_REQUEST,
                "listener_gone",
                "the file no longer names this address",
            );
            return answer::closing(gone);
        };
        let mut response = match self.call(outgoing, request).await {
            Ok(response) => response,
            Err(own) => own,
        };
        if self.live.is_leaving() {
            response = answer::closing(response);
        }
        response
    }

    /// The partner's answer, or our own.
    async fn call(
        &self,
        outgoing: &Outgoing,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Response<Body>> {
        self.is_an_application(&request)?;
        let (mut head, body) = request.into_parts();
        let upload = Upload::new(body, head.version);
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("{}{path}", outgoing.base);
        let (Ok(path), Ok(host)) = (path.parse(), HeaderValue::from_str(outgoing.authority.as_str())) else {
            return Err(said(StatusCode::BAD_REQUEST, "path_malformed", "this path cannot be asked for"));
        };
        head.uri = path;
        let trailers = says(&head.headers, &TE, "trailers");
        clear(&mut head.headers);
        head.headers.insert(HOST, host);
        if trailers {
            head.headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        match outgoing.upstreams().send(Request::from_parts(head, upload.clone()), Errand::default()).await {
            Ok(mut response) => {
                strip(response.headers_mut());
                *response.version_mut() = hyper::Version::HTTP_11;
                if let Some((code, words)) = words::turned_away(response.status()) {
                    tracing::warn!(to = %outgoing.authority, code, "a partner turns a call away");
                    answer::explain(&mut response, code, words);
                }
                Ok(response)
            }
            Err(trouble) => {
                upload.drain().await;
                let (status, code, words) = words::told(&trouble);
                tracing::warn!(to = %outgoing.authority, code, "a partner is not reached");
                Err(said(status, code, words))
            }
        }
    }

    /// Whether an application of this machine calls by our own address, and no page of elsewhere through a browser on it.
    #[allow(clippy::result_large_err, reason = "the error is the answer, and goes out as it is")]
    fn is_an_application<T>(&self, request: &Request<T>) -> Result<(), Response<Body>> {
        let headers = request.headers();
        let browser =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-"));
        if browser {
            let words = "a browser asks, for a page: this is for applications of this machine alone";
            return Err(said(StatusCode::FORBIDDEN, "browser_refused", words));
        }
        if *request.method() == Method::CONNECT || request.uri().authority().is_some() {
            let words = "this is no proxy for other hosts: ask it by its own address";
            return Err(said(StatusCode::FORBIDDEN, "host_refused", words));
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let ours = self.own.is_none_or(|own| {
            let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
            port == own.port().to_string()
                && (name.eq_ignore_ascii_case("localhost") || format!("{name}:{port}") == own.to_string())
        });
        if ours && hosts.next().is_none() {
            return Ok(());
        }
        let words = "ask by the address that the file names, or by localhost, with its port";
        Err(said(StatusCode::FORBIDDEN, "host_refused", words))
    }
}

/// Leaves nothing of this machine's in what goes out.
fn clear(headers: &mut HeaderMap) {
    strip(headers);
    withhold(headers);
    OURS.iter().for_each(|name| drop(headers.remove(name)));
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("sceau-")).cloned().collect();
    own.iter().for_each(|name| drop(headers.remove(name)));
}

fn said(status: StatusCode, code: &'static str, words: &'static str) -> Response<Body> {
    let mut response = answer::failure_in_words(status, code, words);
    answer::explain(&mut response, code, words);
    response
}
