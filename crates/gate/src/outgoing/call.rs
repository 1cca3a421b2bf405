//! Calls of applications of this machine, each sent to the partner.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{HOST, HeaderName, HeaderValue, ORIGIN, PROXY_AUTHORIZATION, REFERER, TE, VIA},
    http::{request::Parts, uri::PathAndQuery},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use uuid::Uuid;

use super::{
    Outgoing,
    words::{self, Told},
};
use crate::{
    answer::{self, Body},
    clock::now,
    connection::{HEAD, Spoken},
    door::{At, Door, Taken},
    forward::{REQUEST_ID, says, strip, withhold},
    holding::Stream,
    leaving::{Leaving, Watchers},
    live::Live,
    observe::{Came, Trail},
    upstream::{Errand, Upload},
};

/// Applications that are connected at once.
const CALLERS: usize = 1024;
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Of this machine's own business.
const OURS: [HeaderName; 5] = [PROXY_AUTHORIZATION, REFERER, VIA, HeaderName::from_static("x-real-ip"), HOST];

/// An answer, and our code for it, if any.
type Coded = (Response<Body>, Option<&'static str>);

const GONE: Told =
    (StatusCode::MISDIRECTED_REQUEST, "listener_gone", "the file no longer names this address");

/// Lets applications in at an address that is taken.
pub(crate) fn open(taken: Taken, live: Arc<Live>, leaving: Leaving) -> Door {
    let (at, crowd) = (taken.at().clone(), Arc::clone(&live.crowd));
    // They want descriptors as clients do, of the same ones.
    let enter = move || {
        let crowd = Arc::clone(&crowd);
        async move { crowd.permit().await }
    };
    taken.open(CALLERS, enter, move |visitor| {
        let here = Here { at: at.clone(), own: visitor.own, live: Arc::clone(&live) };
        attend(visitor.stream, here, leaving.watchers())
    })
}

/// Where a request came in.
struct Here {
    at: At,
    own: Option<SocketAddr>,
    live: Arc<Live>,
}

async fn attend(stream: Box<dyn Stream>, here: Here, watchers: Watchers) {
    let here = Arc::new(here);
    // A call that is under way is not made twice: whoever ends the gate waits for it.
    let Watchers { one, two, all: _held } = watchers;
    drop(two);
    let service = service_fn(move |request| {
        let here = Arc::clone(&here);
        async move { Ok::<_, Infallible>(here.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let spoken: Spoken = Box::pin(one.watch(connection, |connection| connection.graceful_shutdown()));
    drop(spoken.await);
}

impl Here {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let plan = self.live.plan();
        let Some(outgoing) = plan.outgoing.iter().find(|outgoing| outgoing.at == self.at) else {
            return answer::closing(said(GONE).0);
        };
        let id = Uuid::new_v4().to_string();
        let (mut head, body) = request.into_parts();
        let upload = Upload::new(body, head.version);
        let came = Came::Out { at: self.at.clone(), partner: outgoing.authority.clone() };
        let trail = Trail::begin(&plan, came, &mut head, &upload, &id, now());
        let (mut response, code) = match self.call(outgoing, head, &upload).await {
            Ok(answered) => answered,
            Err(refused) => {
                upload.drain().await;
                said(refused)
            }
        };
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if self.live.is_leaving() {
            response = answer::closing(response);
        }
        trail.follow(response, code.map(str::to_owned))
    }

    /// The partner's answer, with our code where it turns the call away; else why there is none.
    async fn call(&self, outgoing: &Outgoing, mut head: Parts, upload: &Upload) -> Result<Coded, Told> {
        self.is_an_application(&head)?;
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("{}{path}", outgoing.base);
        let (Ok(path), Ok(host)) = (path.parse(), HeaderValue::from_str(outgoing.authority.as_str())) else {
            return Err((StatusCode::BAD_REQUEST, "path_malformed", "this path cannot be asked for"));
        };
        head.uri = path;
        let trailers = says(&head.headers, &TE, "trailers");
        clear(&mut head.headers);
        head.headers.insert(HOST, host);
        if trailers {
            head.headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        let request = Request::from_parts(head, upload.clone());
        let mut response =
            outgoing.upstreams().send(request, Errand::default()).await.map_err(|trouble| {
                let told = words::told(&trouble);
                tracing::warn!(to = %outgoing.authority, code = told.1, "a partner is not reached");
                told
            })?;
        strip(response.headers_mut());
        *response.version_mut() = hyper::Version::HTTP_11;
        let turned_away = words::turned_away(response.status());
        if let Some((code, words)) = turned_away {
            tracing::warn!(to = %outgoing.authority, code, "a partner turns a call away");
            answer::explain(&mut response, code, words);
        }
        Ok((response, turned_away.map(|(code, _)| code)))
    }

    /// Whether an application of this machine calls by our own address, and no page of elsewhere through a browser on it.
    fn is_an_application(&self, head: &Parts) -> Result<(), Told> {
        let headers = &head.headers;
        let browser =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-"));
        if browser {
            let words = "a browser asks, for a page: this is for applications of this machine alone";
            return Err((StatusCode::FORBIDDEN, "browser_refused", words));
        }
        if head.method == Method::CONNECT || head.uri.authority().is_some() {
            let words = "this is no proxy for other hosts: ask it by its own address";
            return Err((StatusCode::FORBIDDEN, "host_refused", words));
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
        Err((StatusCode::FORBIDDEN, "host_refused", words))
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

/// An answer of our own, with its code.
fn said((status, code, words): Told) -> Coded {
    let mut response = answer::failure_in_words(status, code, words);
    answer::explain(&mut response, code, words);
    (response, Some(code))
}
