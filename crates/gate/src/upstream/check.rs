//! Services that are tried without a request of anybody's: whether they take a connection, or answer what they are asked.
//!
//! It must never hold a request up, nor take one service's failure for another's.

use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request, Response, StatusCode, Uri, Version,
    body::Incoming,
    client::conn::{http1, http2},
    header::{CONNECTION, HOST, HeaderValue, USER_AGENT},
    http::uri::PathAndQuery,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{task::JoinSet, time::MissedTickBehavior};

use super::{
    Upstream, Upstreams,
    reach::{Reach, Speaks, Wire},
    room::Crowded,
    standing::{Counts, Run},
};

/// How often one that took no connection is tried, where the file does not say how to check it.
const TRY: Duration = Duration::from_secs(1);
/// As whom services are asked.
const AGENT: HeaderValue = HeaderValue::from_static("sceau-gate-check");

/// How the services of a route are checked.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// None: a connection is enough, with its handshake.
    pub(super) question: Option<Question>,
    pub(super) every: Duration,
    /// How long the connection and the head of the answer may take.
    pub(super) within: Duration,
    pub(super) counts: Counts,
}

#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) path: PathAndQuery,
    /// None: the service's own.
    pub(super) host: Option<HeaderValue>,
    /// None of them: 200 to 399.
    pub(super) status: Vec<u16>,
}

/// Checks the services of a plan until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    _tasks: JoinSet<()>,
}

impl Checks {
    /// Begins with a check of each.
    pub(crate) fn start<'a>(all: impl Iterator<Item = &'a Upstreams>) -> Self {
        let mut tasks = JoinSet::new();
        for upstream in all.flat_map(|upstreams| &upstreams.all) {
            match &upstream.check {
                Some(check) => {
                    tasks.spawn(keep_checked(Arc::clone(upstream), Arc::clone(check)));
                }
                // Found away under the file as it was before.
                None if upstream.is_tried_when_away() && !upstream.standing.is_in_turn() => {
                    tasks.spawn(try_again(Arc::downgrade(upstream)));
                }
                None => {}
            }
        }
        Self { _tasks: tasks }
    }
}

async fn keep_checked(upstream: Arc<Upstream>, check: Arc<Check>) {
    let mut run = Run::default();
    let mut next = tokio::time::interval(check.every);
    // After one that took long, the service is left alone as long as ever.
    next.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        next.tick().await;
        let tried = check.tried(&upstream.reach).await;
        upstream.tally.checks.one(tried.map_or_else(Failed::code, |()| "good"));
        let is_good = match tried {
            Ok(()) => true,
            // That is none of its doing.
            Err(Failed::Crowded) => continue,
            Err(_) => false,
        };
        let Some(up) = run.after(upstream.standing.up(), is_good, check.counts) else { continue };
        let before = upstream.standing.set(Some(up));
        match tried {
            Err(failed) => {
                tracing::warn!(upstream = %upstream.name, code = failed.code(), "a service fails its check: it is asked last");
            }
            Ok(()) if before.is_some() => {
                tracing::info!(upstream = %upstream.name, "a service passes its check again");
            }
            Ok(()) => {}
        }
    }
}

/// Tries one that is away until it takes a connection, or nobody asks for it any more.
pub(super) async fn try_again(upstream: Weak<Upstream>) {
    loop {
        tokio::time::sleep(TRY).await;
        let Some(upstream) = upstream.upgrade() else { return };
        if upstream.standing.is_in_turn() {
            return;
        }
        if upstream.reach.connect(false, None).await.is_ok() {
            upstream.standing.set(Some(true));
            tracing::info!(upstream = %upstream.name, "an upstream takes connections again");
            return;
        }
    }
}

/// Why a service fails its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    /// No connection, or no TLS that is believed.
    Away,
    /// Not in time.
    Slow,
    /// No HTTP, or a connection that ends.
    Broken,
    /// Another status than those that are good.
    Status,
    /// No descriptor is left to try it.
    Crowded,
}

impl Failed {
    fn code(self) -> &'static str {
        match self {
            Self::Away => "check_away",
            Self::Slow => "check_slow",
            Self::Broken => "check_broken",
            Self::Status => "check_status",
            Self::Crowded => "check_crowded",
        }
    }

    fn of_connecting(error: &io::Error) -> Self {
        if Crowded::is(error) {
            Self::Crowded
        } else if error.kind() == io::ErrorKind::TimedOut {
            Self::Slow
        } else {
            Self::Away
        }
    }
}

impl Check {
    async fn tried(&self, reach: &Reach) -> Result<(), Failed> {
        tokio::time::timeout(self.within, self.one(reach)).await.map_err(|_| Failed::Slow)?
    }

    async fn one(&self, reach: &Reach) -> Result<(), Failed> {
        let wire = reach.connect(false, None).await.map_err(|error| Failed::of_connecting(&error))?;
        let Some(question) = &self.question else { return Ok(()) };
        let answer = question.ask(wire, reach).await.map_err(|_| Failed::Broken)?;
        if question.is_good(answer.status()) { Ok(()) } else { Err(Failed::Status) }
    }
}

impl Question {
    fn is_good(&self, status: StatusCode) -> bool {
        if self.status.is_empty() {
            status.is_success() || status.is_redirection()
        } else {
            self.status.contains(&status.as_u16())
        }
    }

    /// The head of the answer, over a connection of its own, which ends with it.
    async fn ask(&self, wire: Wire, reach: &Reach) -> hyper::Result<Response<Incoming>> {
        // Dropped with this call, however that ends.
        let mut connection = JoinSet::new();
        let (stream, request) = (TokioIo::new(wire.stream), self.request(wire.speaks, reach));
        match wire.speaks {
            Speaks::One => {
                let (mut sender, going) = http1::handshake(stream).await?;
                connection.spawn(going);
                sender.send_request(request).await
            }
            Speaks::Two => {
                let (mut sender, going) = http2::handshake(TokioExecutor::new(), stream).await?;
                connection.spawn(going);
                sender.send_request(request).await
            }
        }
    }

    fn request(&self, speaks: Speaks, reach: &Reach) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        let host = self.host.clone().unwrap_or_else(|| reach.host());
        request.headers_mut().insert(USER_AGENT, AGENT);
        match speaks {
            Speaks::One => {
                *request.uri_mut() = Uri::from(self.path.clone());
                request.headers_mut().insert(HOST, host);
                request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Speaks::Two => {
                *request.version_mut() = Version::HTTP_2;
                let uri = Uri::builder().scheme(reach.scheme()).authority(host.as_bytes());
                // Its parts were read before: it is an address.
                *request.uri_mut() = uri.path_and_query(self.path.clone()).build().unwrap_or_default();
            }
        }
        request
    }
}
