//! The services behind a route: one of those that live is asked, another where it takes no connection.

mod answered;
mod body;
mod check;
mod looking;
mod pool;
mod reach;
mod read;
mod room;
mod settings;
mod standing;
mod tls_trouble;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri, Version,
    client::conn::TrySendError,
    header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TE, UPGRADE},
    http::{request::Parts, uri::PathAndQuery},
};

use crate::{
    answer::{Body, Failure},
    crowd::UnderWay,
    observe::{Ledger, ServiceTally},
    proxy::Carried,
};
use answered::Answered;
pub(crate) use body::Upload;
use check::Check;
pub(crate) use check::Checks;
pub(crate) use looking::{LOOK, Looking, StaysOpen};
use pool::{Asked, Line, Pool};
pub(crate) use reach::tcp;
use reach::{Reach, Speaks, TlsWays, To};
pub(crate) use read::{Written, of_outgoing, of_route, of_the_system};
use room::Crowded;
pub(crate) use room::reserve;
pub(crate) use settings::CheckTable;
use standing::Standing;
pub(crate) use tls_trouble::TlsTrouble;

/// What goes with a request, besides what is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errand {
    /// Whom its connection carries, for services that are told.
    pub(crate) carried: Option<Carried>,
    /// Held until its answer ends.
    pub(crate) under_way: Option<UnderWay>,
    /// Whether its client may still pass; none: nobody asks who it is.
    pub(crate) looking: Option<Looking>,
}

/// What a route allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long nothing may happen before the answer begins, and within it.
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
    pool: Arc<Pool>,
    is_alone: bool,
    standing: Standing,
    /// How it is tried without a request.
    check: Option<Arc<Check>>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No service takes a connection, or the one asked broke off.
    Away,
    /// The same, since one side does not believe the other's certificate.
    Tls(TlsTrouble),
    /// A service does not answer in time.
    Slow,
    /// The client does not send its body in time.
    Stalled,
    /// The client's body is larger than the route allows.
    TooLarge,
    /// The client may no longer pass.
    TakenBack,
    /// No descriptor is left for a connection.
    Crowded,
}

impl Trouble {
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Away | Self::Tls(_) => (StatusCode::BAD_GATEWAY, "upstream_away"),
            Self::Slow => (StatusCode::GATEWAY_TIMEOUT, "upstream_slow"),
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, "request_too_slow"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::TakenBack => (StatusCode::FORBIDDEN, "client_taken_back"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "gate_crowded"),
        }
    }

    /// As the caller reads it.
    pub(crate) fn failure(&self) -> Failure {
        let (status, code) = self.status();
        Failure::of(status, code)
    }
}

impl Upstreams {
    fn new(reaches: Vec<Reach>, bounds: Bounds, check: Option<Check>, ledger: &Ledger) -> Self {
        let (is_alone, check) = (reaches.len() == 1, check.map(Arc::new));
        let all =
            reaches.into_iter().map(|reach| Arc::new(Upstream::new(reach, is_alone, check.clone(), ledger)));
        Self { all: all.collect(), next: AtomicUsize::new(0), bounds }
    }

    /// How long a request may be silent.
    pub(crate) fn longest_silence(&self) -> Duration {
        self.bounds.answer
    }

    /// What is known of its services, for the same route in a file that was read again.
    pub(crate) fn hand_on(&self, next: &Self) {
        for service in &next.all {
            let same = self.all.iter().find(|it| it.name == service.name);
            service.standing.set(same.and_then(|it| it.standing.up()));
        }
    }

    /// Sends a request to the next that lives; where that one takes no connection, and so has read nothing of it, to another.
    ///
    /// # Errors
    /// [`Trouble`], of the last one that was asked.
    pub(crate) async fn send(
        &self,
        request: Request<Upload>,
        errand: Errand,
    ) -> Result<Response<Body>, Trouble> {
        let said =
            request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if self.bounds.body.zip(said).is_some_and(|(most, said): (u64, u64)| said > most) {
            return Err(Trouble::TooLarge);
        }
        let (head, upload) = request.into_parts();
        let mut last = Trouble::Away;
        for upstream in self.order() {
            let begun = Instant::now();
            let answered = upstream.send(&head, &upload, &errand, self.bounds).await;
            upstream.count(&answered, begun, &upload);
            match answered {
                Err((trouble @ (Trouble::Away | Trouble::Tls(_)), true)) => last = trouble,
                Err((trouble, _)) => return Err(trouble),
                Ok(response) => return Ok(response),
            }
        }
        Err(last)
    }

    /// Uses no connection that waits.
    pub(crate) fn forget(&self) {
        self.all.iter().for_each(|upstream| upstream.pool.forget());
    }

    /// Each by its name, whether it serves, where that is known, and what is counted of it.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, Option<bool>, &ServiceTally)> {
        self.all.iter().map(|it| (&*it.name, it.standing.up(), &*it.tally))
    }

    /// Whether one of them takes a connection now, and did not fail its checks.
    pub(crate) async fn live(&self) -> bool {
        let passing = |it: &&Arc<Upstream>| it.check.is_none() || it.standing.is_in_turn();
        for upstream in self.order().into_iter().filter(passing) {
            if upstream.reach.connect(false, None).await.is_ok() {
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
        order.sort_by_key(|upstream| !upstream.standing.is_in_turn());
        order
    }
}

impl Upstream {
    fn new(reach: Reach, is_alone: bool, check: Option<Arc<Check>>, ledger: &Ledger) -> Self {
        let name = reach.to_string();
        let (pool, tally) = (Pool::new(reach.clone()), ledger.services.of(&name));
        Self { pool, reach, is_alone, name: name.into(), tally, standing: Standing::default(), check }
    }

    /// Who is alone is asked anyway, and so tried by each request; who is checked is tried by that.
    fn is_tried_when_away(&self) -> bool {
        !self.is_alone && self.check.is_none()
    }

    fn count<T>(&self, answered: &Result<T, (Trouble, bool)>, begun: Instant, upload: &Upload) {
        upload.went_to(&self.name);
        match answered {
            Ok(_) => self.tally.took.note(begun.elapsed()),
            // That is none of its doing.
            Err((Trouble::Crowded | Trouble::TakenBack, _)) => {}
            Err((trouble, _)) => self.tally.failed.one(trouble.status().1),
        }
    }

    /// The answer; else what is wrong, and whether nothing of the request was sent. Where a connection that waited was closed meanwhile, the request
    /// is sent again over a new one: if nothing of it was sent, or if it may happen twice (RFC 9110 §9.2.2) and none of its body was.
    async fn send(
        self: &Arc<Self>,
        head: &Parts,
        upload: &Upload,
        errand: &Errand,
        bounds: Bounds,
    ) -> Result<Response<Body>, (Trouble, bool)> {
        let upgrade = head.headers.contains_key(UPGRADE) && self.reach.may_upgrade();
        let carried = errand.carried.filter(|_| self.reach.proxy.is_some());
        let mut asked = Asked { fresh: false, upgrade, carried };
        loop {
            let line = self.pool.line(asked).await.map_err(|error| self.takes_none(&error))?;
            let (is_reused, fresh) = (line.is_reused, asked.fresh);
            let body = upload.body(bounds.body, errand.looking.clone());
            let request = request(head, body, &line, &self.reach);
            let request = request.ok_or((Trouble::Away, true))?;
            let failed = match self.ask(line, request, upload, errand, bounds).await? {
                Ok(answer) => {
                    // Of one that is checked, an answer says too little: it may be an error.
                    if self.check.is_none() {
                        self.standing.set(Some(true));
                    }
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            let whole = !upload.has_begun();
            let again = failed.message().is_some() || whole && is_unprocessed(&failed);
            let twice = whole && is_reused && head.method.is_idempotent();
            if fresh || !(again || twice) || upload.cut().is_some() {
                return Err(self.broke_off(failed, upload));
            }
            tracing::debug!(upstream = %self.reach, "a request is sent again over another connection");
            asked.fresh = true;
        }
    }

    /// Asks over this connection; the outer error is that of time.
    async fn ask(
        &self,
        line: Line,
        request: Request<Body>,
        upload: &Upload,
        errand: &Errand,
        bounds: Bounds,
    ) -> Result<Result<Response<Body>, TrySendError<Request<Body>>>, (Trouble, bool)> {
        let answered = line.send(request, &self.pool);
        tokio::pin!(answered);
        let mut looking = errand.looking.clone();
        loop {
            let until = upload.last() + bounds.answer;
            let next = looking.as_ref().map_or(until, |it| until.min(it.next()));
            tokio::select! {
                answer = &mut answered => return Ok(answer.map(|(answer, load)| {
                    let held = (load, errand.under_way.clone());
                    Answered::of(answer, held, bounds.answer, self.reach.to_string(), errand.looking.clone()).map(BodyExt::boxed)
                })),
                () = tokio::time::sleep_until(next) => {
                    let now = tokio::time::Instant::now();
                    if looking.as_mut().is_some_and(|it| !it.may_go_on(now)) {
                        tracing::info!(upstream = %self.reach, "a request is ended: its client may no longer pass");
                        return Err((Trouble::TakenBack, false));
                    }
                    if until <= now && upload.last() + bounds.answer <= until {
                        let trouble = if upload.is_over() { Trouble::Slow } else { Trouble::Stalled };
                        tracing::warn!(upstream = %self.reach, ?trouble, "a request gets no answer");
                        return Err((trouble, false));
                    }
                }
            }
        }
    }

    fn takes_none(self: &Arc<Self>, error: &std::io::Error) -> (Trouble, bool) {
        if Crowded::is(error) {
            return (Trouble::Crowded, true);
        }
        tracing::warn!(upstream = %self.reach, %error, "an upstream takes no connection");
        if self.standing.set(Some(false)) != Some(false) && self.is_tried_when_away() {
            tokio::spawn(check::try_again(Arc::downgrade(self)));
        }
        (TlsTrouble::of(error).map_or(Trouble::Away, Trouble::Tls), true)
    }

    fn broke_off(&self, failed: TrySendError<Request<Body>>, upload: &Upload) -> (Trouble, bool) {
        if let Some(trouble) = upload.cut() {
            return (trouble, false);
        }
        let unsent = failed.message().is_some();
        let error = failed.into_error();
        tracing::warn!(upstream = %self.reach, cause = cause(&error), "an upstream does not answer");
        (TlsTrouble::of(&error).map_or(Trouble::Away, Trouble::Tls), unsent)
    }
}

/// A request as this connection wants it; none where its host cannot stand in an address of HTTP/2.
fn request(head: &Parts, body: Body, line: &Line, reach: &Reach) -> Option<Request<Body>> {
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.headers_mut() = head.headers.clone();
    let headers: &mut HeaderMap = request.headers_mut();
    let uri = match line.speaks() {
        Speaks::One => {
            if headers.contains_key(TE) && !headers.contains_key(UPGRADE) {
                headers.insert(CONNECTION, HeaderValue::from_static("te"));
            }
            Uri::from(path)
        }
        Speaks::Two => {
            headers.remove(CONNECTION);
            headers.remove(UPGRADE);
            // What the caller asked for, whichever service answers (RFC 9113 §8.3.1).
            let authority = headers.remove(HOST)?;
            let uri = Uri::builder().scheme(reach.scheme()).authority(authority.as_bytes());
            uri.path_and_query(path).build().ok()?
        }
    };
    *request.uri_mut() = uri;
    *request.version_mut() = match line.speaks() {
        Speaks::One => Version::HTTP_11,
        Speaks::Two => Version::HTTP_2,
    };
    Some(request)
}

/// Whether the service says that it did nothing with it (RFC 9113 §8.7).
fn is_unprocessed(failed: &TrySendError<Request<Body>>) -> bool {
    let mut cause = std::error::Error::source(failed.error());
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        cause = error.source();
    }
    false
}

/// The deepest reason.
fn cause(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
