//! Requests, each judged by itself under the plan of its moment: certificates expire and are taken back while connections stay open.

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{EXPECT, HeaderValue},
};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::{
    answer::{self, Body, Failure},
    assertion::{self, Asserted, Assertion},
    check, clock,
    crowd::{Seat, UnderWay},
    fail_open::{GoesOn, Passing},
    forward::{Onward, REQUEST_ID, Scheme, forward},
    guard::{Denial, Guard, Passed},
    leaving::Watcher,
    live::Live,
    observe::{Came, Tls, Trail},
    plan::{Listener, Place, Plan},
    proxy::Carried,
    route::{Ambiguous, Host, Route},
    shown::Shown,
    upstream::{Errand, Looking, StaysOpen, Upload},
};

/// Who is at the other end of a connection, as its handshake left it.
pub(crate) struct Caller {
    pub(crate) shown: Arc<Shown>,
    pub(crate) from: IpAddr,
    /// None: it came without TLS, from this machine.
    pub(crate) tls: Option<Tls>,
    pub(crate) place: Place,
    pub(crate) live: Arc<Live>,
    /// The same with its port, and where it called.
    pub(crate) carried: Carried,
    pub(crate) seat: Seat,
    /// A permit among all connections, WebSockets too, and that it is waited for.
    pub(crate) _held: (OwnedSemaphorePermit, Watcher),
}

/// An answer, and whose it is.
enum Reply {
    /// The gate's own: a refusal, a failure, or what it was asked itself.
    Own(Response<Body>),
    /// A service's.
    Service(Response<Body>),
}

/// Why a request does not go on.
enum Refused {
    Failed(Failure),
    Denied(Denial),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One request's own id and moment (Unix milliseconds).
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a str,
    now: u64,
}

impl Caller {
    /// Answers one request under an id of its own, which the service behind and the caller both learn.
    pub(crate) async fn answer(self: &Arc<Self>, mut request: Request<Incoming>, now: u64) -> Response<Body> {
        let id = Uuid::new_v4().to_string();
        let Ok(value) = HeaderValue::from_str(&id) else {
            return Failure::INTERNAL.response();
        };
        request.headers_mut().insert(REQUEST_ID, value.clone());
        let (mut head, body) = request.into_parts();
        let (upload, waits) = (Upload::new(body, head.version), head.headers.contains_key(EXPECT));
        // The plan of now, whichever the connection began under.
        let plan = self.live.plan();
        let mut trail = Trail::begin(&plan, self.came(), &mut head, &upload, &id, now);
        let (is_two, is_head) = (head.version == hyper::Version::HTTP_2, head.method == Method::HEAD);
        let request = Request::from_parts(head, upload.clone());
        let reply = self.reply(&plan, request, Asked { id: &id, now }, &mut trail).await;
        let is_own = matches!(reply, Reply::Own(_));
        let mut response = match reply {
            Reply::Service(response) => response,
            Reply::Own(response) => {
                // Who waits for a word before sending needs none.
                if !waits {
                    upload.drain().await;
                }
                if is_head { answer::head_of(response) } else { response }
            }
        };
        response.headers_mut().insert(REQUEST_ID, value);
        if !is_two && self.live.is_leaving() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response = answer::closing(response);
        }
        let code = answer::code(&response).filter(|_| is_own).map(str::to_owned);
        trail.follow(response, code)
    }

    fn came(&self) -> Came {
        let (listener, shown) = (self.place.address, Arc::clone(&self.shown));
        Came::In { listener, from: self.from, tls: self.tls, shown }
    }

    async fn reply(
        self: &Arc<Self>,
        plan: &Plan,
        request: Request<Upload>,
        asked: Asked<'_>,
        trail: &mut Trail,
    ) -> Reply {
        let (listener, host) = match self.destination(plan, &request) {
            Ok(destination) => destination,
            Err(failure) => return Reply::Own(failure.response()),
        };
        let is_get = request.method() == Method::GET;
        if is_get && request.uri().path() == assertion::KEYS {
            return Reply::Own(keys(listener));
        }
        let route = match route(listener, &host, &request) {
            Ok(route) => route,
            Err(failure) => return Reply::Own(failure.response()),
        };
        trail.on(route.path(), &route.tally);
        let at_check = request.uri().path().strip_prefix(route.base()) == Some("/check");
        let (who, under_way) = match self.enter(route, &request, asked).await {
            Ok(entered) => entered,
            Err(Refused::Failed(failure)) => return Reply::Own(failure.response()),
            Err(Refused::Denied(denial)) => {
                tracing::info!(id = asked.id, code = denial.code(), from = %self.from, "a request is refused");
                return Reply::Own(answer::denied(&denial, self.shown.chain(), at_check));
            }
        };
        if let Some(who) = &who {
            trail.of(who);
            tracing::debug!(id = asked.id, subject = %who.identity().subject, "a request is let through");
        }
        match &route.guard {
            Some(guard) if at_check && is_get => {
                Reply::Own(check::answer(&route.upstreams, guard, who.as_ref(), asked.now).await)
            }
            _ => match self.pass_on(route, request, host, who.as_ref(), under_way, asked).await {
                Ok(response) => Reply::Service(response),
                Err(failure) => Reply::Own(failure.response()),
            },
        }
    }

    /// Where a request came in, and for which host.
    fn destination<'a>(
        &self,
        plan: &'a Plan,
        request: &Request<Upload>,
    ) -> Result<(&'a Listener, Host), Failure> {
        if *request.method() == Method::CONNECT {
            // A tunnel would carry requests that nobody judges.
            return Err(Failure::of(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
        }
        let gone = Failure::of(StatusCode::MISDIRECTED_REQUEST, "listener_gone");
        let listener = plan.listener(self.place).ok_or(gone)?;
        let host = Host::of(request).map_err(|none| Failure::of(StatusCode::BAD_REQUEST, none.code()))?;
        Ok((listener, host))
    }

    /// Who it is, where the route asks, and that there is room for the request; one whose head is within the route's bounds.
    async fn enter(
        &self,
        route: &Route,
        request: &Request<Upload>,
        asked: Asked<'_>,
    ) -> Result<(Option<Passed>, UnderWay), Refused> {
        if size_of_head(request) > route.largest_head {
            return Err(Failure::of(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large").into());
        }
        let who = match &route.guard {
            Some(guard) => {
                Some(self.pass(guard, route, request.method(), asked).await.map_err(Refused::Denied)?)
            }
            None => None,
        };
        let crowded = Failure::of(StatusCode::SERVICE_UNAVAILABLE, "gate_crowded");
        Ok((who, self.seat.begin_request().ok_or(crowded)?))
    }

    async fn pass(
        &self,
        guard: &Guard,
        route: &Route,
        method: &Method,
        Asked { id, now }: Asked<'_>,
    ) -> Result<Passed, Denial> {
        let passing = Passing { id, method: method.as_str(), route: route.path(), from: self.from, now };
        let passed = match guard.admit_asking(&self.shown, self.from, now).await {
            Ok(admitted) => guard.pass(admitted, passing).await,
            Err(denial) => Err(denial),
        };
        guard.count(passed.as_ref(), now);
        passed
    }

    /// To a service, with what it is told of who calls.
    async fn pass_on(
        self: &Arc<Self>,
        route: &Route,
        request: Request<Upload>,
        host: Host,
        who: Option<&Passed>,
        under_way: UnderWay,
        Asked { id, now }: Asked<'_>,
    ) -> Result<Response<Body>, Failure> {
        let may_say = route.assertion.as_ref().zip(who);
        let assertion = may_say.map(|(assertion, who)| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let said = assertion.say(&Asserted { who, id, method: request.method(), path, now });
            said.ok_or(Failure::INTERNAL)
        });
        let open = Arc::new(Open {
            caller: Arc::clone(self),
            host,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            goes_on: GoesOn::begin(id, who.is_some_and(Passed::is_unchecked).then_some(now)),
            _under_way: under_way.clone(),
        });
        let looking = route.guard.as_ref().map(|_| Looking::begin(open.stays()));
        let onward = Onward {
            host: &open.host,
            from: self.from,
            scheme: if self.tls.is_some() { Scheme::Https } else { Scheme::Http },
            who,
            assertion: assertion.transpose()?,
            told: &route.told,
            errand: Errand { carried: Some(self.carried), under_way: Some(under_way), looking },
        };
        forward(&route.upstreams, request, onward, open.stays()).await
    }
}

/// What a request became that is not over: a WebSocket, an answer, a body. What it holds, it holds to its end.
struct Open {
    caller: Arc<Caller>,
    host: Host,
    method: Method,
    path: String,
    goes_on: GoesOn,
    _under_way: UnderWay,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Open").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Open {
    fn stays(self: &Arc<Self>) -> Arc<dyn StaysOpen> {
        Arc::<Self>::clone(self)
    }
}

impl StaysOpen for Open {
    fn may_go_on(&self) -> bool {
        let (caller, now) = (&self.caller, clock::now());
        let plan = caller.live.plan();
        let listener = plan.listener(caller.place);
        let route = listener.and_then(|listener| listener.routes.find(&self.host, &self.path).ok()?);
        route.is_some_and(|route| {
            let passing = Passing {
                id: self.goes_on.id(),
                method: self.method.as_str(),
                route: route.path(),
                from: caller.from,
                now,
            };
            route.guard.as_ref().is_none_or(|guard| {
                let admitted = guard.admit(&caller.shown, caller.from, now);
                admitted.is_ok_and(|who| guard.goes_on(&who, &self.goes_on, passing))
            })
        })
    }
}

/// The keys with which what a listener's services are told can be checked.
fn keys(listener: &Listener) -> Response<Body> {
    let assertions = listener.routes.iter().filter_map(|route| route.assertion.as_ref());
    answer::keys(assertions.map(Assertion::jwk).cloned().collect())
}

fn route<'a>(listener: &'a Listener, host: &Host, request: &Request<Upload>) -> Result<&'a Route, Failure> {
    match listener.routes.find(host, request.uri().path()) {
        Ok(Some(route)) => Ok(route),
        Ok(None) => Err(Failure::of(StatusCode::NOT_FOUND, "no_route")),
        Err(Ambiguous) => Err(Failure::of(StatusCode::BAD_REQUEST, "path_ambiguous")),
    }
}

/// As RFC 9113 §6.5.2 counts, and the address.
fn size_of_head<T>(request: &Request<T>) -> u64 {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let address = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    u64::try_from(fields.sum::<usize>() + address).unwrap_or(u64::MAX)
}
