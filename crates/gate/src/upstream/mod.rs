//! The services behind a route: one of those that live is asked, another where it takes no connection.

mod body;
mod reach;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    header::CONTENT_LENGTH,
    http::uri::{PathAndQuery, Scheme},
};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    answer::Body,
    observe::{Ledger, ServiceTally},
};
pub(crate) use body::Upload;
pub(crate) use reach::{Reach, To};

/// How often one that takes no connection is tried.
const TRY: Duration = Duration::from_secs(1);
/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(60);

/// What a route allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long nothing may happen before the answer begins.
    pub(crate) answer: Duration,
    /// Octets of a request's body; none: any number.
    pub(crate) body: Option<u64>,
}

/// The services of a route, at least one.
#[derive(Debug)]
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    next: AtomicUsize,
    bounds: Bounds,
}

#[derive(Debug)]
struct Upstream {
    reach: Reach,
    /// As it is written.
    name: Arc<str>,
    tally: Arc<ServiceTally>,
    client: Client<Reach, Body>,
    /// Takes no connection, and is being tried.
    away: AtomicBool,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No service takes a connection, or the one asked broke off.
    Away,
    /// A service does not answer in time.
    Slow,
    /// The client does not send its body in time.
    Stalled,
    /// The client's body is larger than the route allows.
    TooLarge,
}

impl Trouble {
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Away => (StatusCode::BAD_GATEWAY, "upstream_away"),
            Self::Slow => (StatusCode::GATEWAY_TIMEOUT, "upstream_slow"),
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, "request_too_slow"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        }
    }
}

impl Upstreams {
    pub(crate) fn new(reaches: Vec<Reach>, bounds: Bounds, ledger: &Ledger) -> Self {
        let all = reaches.into_iter().map(|reach| Arc::new(Upstream::new(reach, ledger))).collect();
        Self { all, next: AtomicUsize::new(0), bounds }
    }

    /// Sends a request to the next that lives; where that one takes no connection, and so has read nothing of it, to another.
    pub(crate) async fn send(&self, request: Request<Upload>) -> Result<Response<Incoming>, Trouble> {
        let said =
            request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if self.bounds.body.zip(said).is_some_and(|(most, said): (u64, u64)| said > most) {
            return Err(Trouble::TooLarge);
        }
        let (head, upload) = request.into_parts();
        for upstream in self.order() {
            let request = Request::from_parts(head.clone(), upload.body(self.bounds.body));
            let begun = Instant::now();
            let answered = upstream.send(request, &upload, self.bounds).await;
            upstream.count(&answered, begun, &upload);
            match answered {
                Err((Trouble::Away, true)) => {}
                Err((trouble, _)) => return Err(trouble),
                Ok(response) => return Ok(response),
            }
        }
        Err(Trouble::Away)
    }

    /// Each by its name, whether it took the last connection that was tried, and what is counted of it.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, bool, &ServiceTally)> {
        self.all.iter().map(|it| (&*it.name, !it.away.load(Ordering::Relaxed), &*it.tally))
    }

    /// Whether one of them takes a connection now.
    pub(crate) async fn live(&self) -> bool {
        for upstream in self.order() {
            if upstream.reach.connect().await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Those that live, beginning with the next in turn; then the others, since they may live again.
    fn order(&self) -> Vec<&Arc<Upstream>> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, after) = self.all.split_at(first);
        let mut order: Vec<_> = after.iter().chain(before).collect();
        order.sort_by_key(|upstream| upstream.away.load(Ordering::Relaxed));
        order
    }
}

impl Upstream {
    fn new(reach: Reach, ledger: &Ledger) -> Self {
        let name = reach.to_string();
        let tally = ledger.services.of(&name);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        let (client, name) = (builder.build(reach.clone()), name.into());
        Self { client, reach, name, tally, away: AtomicBool::new(false) }
    }

    fn count<T>(&self, answered: &Result<T, (Trouble, bool)>, begun: Instant, upload: &Upload) {
        upload.went_to(&self.name);
        match answered {
            Ok(_) => self.tally.took.note(begun.elapsed()),
            Err((trouble, _)) => self.tally.failed.one(trouble.status().1),
        }
    }

    /// The answer; else what is wrong, and whether nothing of the request was sent.
    async fn send(
        self: &Arc<Self>,
        mut request: Request<Body>,
        upload: &Upload,
        bounds: Bounds,
    ) -> Result<Response<Incoming>, (Trouble, bool)> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut parts = hyper::http::uri::Parts::default();
        // What carries it is the connector's matter: to the client, all is plain HTTP.
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.reach.authority());
        parts.path_and_query = Some(path);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| (Trouble::Away, true))?;
        let answered = self.client.request(request);
        tokio::pin!(answered);
        loop {
            let until = upload.last() + bounds.answer;
            tokio::select! {
                answer = &mut answered => return answer.map_err(|error| self.failed(&error, upload)),
                () = tokio::time::sleep_until(until) => {
                    if upload.last() + bounds.answer <= until {
                        let trouble = if upload.is_over() { Trouble::Slow } else { Trouble::Stalled };
                        tracing::warn!(upstream = %self.reach, ?trouble, "a request gets no answer");
                        return Err((trouble, false));
                    }
                }
            }
        }
    }

    fn failed(self: &Arc<Self>, error: &Error, upload: &Upload) -> (Trouble, bool) {
        if upload.is_too_large() {
            return (Trouble::TooLarge, false);
        }
        let cause = cause(error);
        tracing::warn!(upstream = %self.reach, %error, cause, "an upstream does not answer");
        if !error.is_connect() {
            return (Trouble::Away, false);
        }
        if !self.away.swap(true, Ordering::Relaxed) {
            tokio::spawn(try_again(Arc::downgrade(self)));
        }
        (Trouble::Away, true)
    }
}

/// Tries one that is away until it takes a connection, or nobody asks for it any more.
async fn try_again(upstream: std::sync::Weak<Upstream>) {
    loop {
        tokio::time::sleep(TRY).await;
        let Some(upstream) = upstream.upgrade() else { return };
        if upstream.reach.connect().await.is_ok() {
            upstream.away.store(false, Ordering::Relaxed);
            tracing::info!(upstream = %upstream.reach, "an upstream takes connections again");
            return;
        }
    }
}

/// The deepest reason.
fn cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => "it takes no connection in time".to_owned(),
        _ => cause.to_string(),
    }
}
