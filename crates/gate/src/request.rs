//! Requests, each judged by itself under the plan of its moment.

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{EXPECT, HOST, HeaderName, HeaderValue},
};
use hyper_util::server::graceful::Watcher;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::{
    answer::{self, Body},
    assertion::{self, Asserted, Assertion},
    check, clock,
    crowd::{Asking, Seat},
    fail_open::{GoesOn, Passing},
    forward::{Said, forward},
    guard::{Admitted, Denial, Guard},
    live::Live,
    observe::{Tls, Trail},
    plan::{Ambiguous, Place, Plan, Route},
    proxy::Carried,
    shown::Shown,
    upstream::Upload,
};

/// Of a request, in the service's log and in the gate's.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who is at the other end of a connection, as its handshake left it.
pub(crate) struct Caller {
    pub(crate) shown: Arc<Shown>,
    pub(crate) from: IpAddr,
    pub(crate) tls: Tls,
    pub(crate) place: Place,
    pub(crate) live: Arc<Live>,
    /// The same with its port, and where it called.
    pub(crate) carried: Carried,
    /// A place among all connections, WebSockets too, a seat among those of its address, and that it is waited for.
    pub(crate) _held: (OwnedSemaphorePermit, Seat, Watcher),
}

impl Caller {
    /// Answers one request under an id of its own, which the service behind and the caller both learn.
    pub(crate) async fn answer(self: &Arc<Self>, mut request: Request<Incoming>, now: u64) -> Response<Body> {
        let id = Uuid::new_v4().to_string();
        let Ok(value) = HeaderValue::from_str(&id) else {
            return answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "internal");
        };
        request.headers_mut().insert(REQUEST_ID, value.clone());
        let (mut head, body) = request.into_parts();
        let (upload, waits) = (Upload::new(body, head.version), head.headers.contains_key(EXPECT));
        // The plan of now, whichever the connection began under.
        let plan = self.live.plan();
        let mut trail = Trail::begin(&plan, self, &mut head, &upload, &id, now);
        head.extensions.insert(self.carried);
        let is_two = head.version == hyper::Version::HTTP_2;
        let request = Request::from_parts(head, upload.clone());
        let decided = self.decide(&plan, request, &id, now, &mut trail).await;
        let is_own = decided.is_err();
        let mut response = match decided {
            Ok(response) => response,
            Err(own) => {
                // Who waits for a word before sending needs none.
                if !waits {
                    upload.drain().await;
                }
                own
            }
        };
        response.headers_mut().insert(REQUEST_ID, value);
        if !is_two && self.live.is_leaving() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response = answer::closing(response);
        }
        trail.follow(response, is_own)
    }

    /// Judges one request at `now` (Unix milliseconds): certificates expire and are taken back while connections stay open. The error
    /// is the gate's own answer.
    async fn decide(
        self: &Arc<Self>,
        plan: &Plan,
        mut request: Request<Upload>,
        id: &str,
        now: u64,
        trail: &mut Trail,
    ) -> Result<Response<Body>, Response<Body>> {
        if *request.method() == Method::CONNECT {
            // A tunnel would carry requests that nobody judges.
            return Err(answer::failure(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
        }
        let Some(listener) = plan.listener(self.place) else {
            return Err(answer::closing(answer::failure(StatusCode::MISDIRECTED_REQUEST, "listener_gone")));
        };
        let Some(host) = host(&request) else {
            return Err(answer::failure(StatusCode::BAD_REQUEST, "host_missing"));
        };
        let path = request.uri().path();
        if path == assertion::KEYS && request.method() == Method::GET {
            let keys =
                listener.routes.iter().filter_map(|route| route.assertion.as_ref()).map(Assertion::jwk);
            return Err(answer::keys(keys.cloned().collect()));
        }
        let route = match listener.route(name_of(&host), path) {
            Ok(Some(route)) => route,
            Ok(None) => return Err(answer::failure(StatusCode::NOT_FOUND, "no_route")),
            Err(Ambiguous) => return Err(answer::failure(StatusCode::BAD_REQUEST, "path_ambiguous")),
        };
        trail.on(route.path(), &route.tally);
        if size_of_head(&request) > route.largest_head {
            return Err(answer::failure(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large"));
        }
        let at_check = path.strip_prefix(route.base()) == Some("/check");
        let admitted = match &route.guard {
            Some(guard) => match self.admit(guard, route, request.method(), id, now).await {
                Ok(admitted) => Some(admitted),
                Err(denial) => {
                    tracing::info!(id, code = denial.code(), from = %self.from, "a request is refused");
                    return Err(answer::denied(&denial, self.shown.chain(), at_check));
                }
            },
            None => None,
        };
        if let Some(admitted) = &admitted {
            trail.of(admitted);
            tracing::debug!(id, subject = %admitted.identity.subject, "a request is let through");
        }
        let crowded = || answer::failure(StatusCode::SERVICE_UNAVAILABLE, "gate_crowded");
        let asking = self._held.1.asking().ok_or_else(crowded)?;
        if let Some(guard) = route.guard.as_ref().filter(|_| at_check && request.method() == Method::GET) {
            return Err(check::answer(&route.upstreams, guard, admitted.as_deref(), now).await);
        }
        let (caller, same_host, same_path) = (Arc::clone(self), host.clone(), path.to_owned());
        let may_say = route.assertion.as_ref().zip(admitted.as_ref());
        let assertion = may_say.map(|(assertion, who)| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            assertion.say(&Asserted { who, id, method: request.method(), path, now })
        });
        if let Some(said) = assertion {
            let failed = || answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "internal");
            request.extensions_mut().insert(Said(said.ok_or_else(failed)?));
        }
        request.extensions_mut().insert(asking.clone());
        let goes_on = GoesOn::begin(id, admitted.as_ref().is_some_and(|it| it.unchecked).then_some(now));
        // What a WebSocket holds, it holds to its end.
        let may = move || caller.may_still(&same_host, &same_path, (&goes_on, &asking), clock::now());
        forward(&route.upstreams, request, &host, self.from, admitted.as_deref(), may).await
    }

    /// Whether a request to there would be let through at `now`.
    fn may_still(&self, host: &str, path: &str, (goes_on, _): (&GoesOn, &Asking), now: u64) -> bool {
        let plan = self.live.plan();
        let route =
            plan.listener(self.place).and_then(|listener| listener.route(name_of(host), path).ok()?);
        route.is_some_and(|route| {
            route.guard.as_ref().is_none_or(|guard| {
                let admitted = guard.admit(&self.shown, self.from, now);
                admitted.is_ok_and(|who| guard.goes_on(&who, goes_on, route.path(), self.from, now))
            })
        })
    }

    async fn admit(
        &self,
        guard: &Guard,
        route: &Route,
        method: &Method,
        id: &str,
        now: u64,
    ) -> Result<Arc<Admitted>, Denial> {
        let passing = Passing { id, method: method.as_str(), route: route.path(), from: self.from, now };
        let admitted = match guard.admit_asking(&self.shown, self.from, now).await {
            Ok(admitted) => guard.pass(&admitted, passing).await.map(|()| admitted),
            denied => denied,
        };
        guard.count(admitted.as_deref(), now);
        admitted
    }
}

/// The host that a request is for, with its port: of HTTP/2 from `:authority`.
fn host<T>(request: &Request<T>) -> Option<String> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    authority.or(header).filter(|host| !host.contains('@')).map(str::to_owned)
}

/// As RFC 9113 §6.5.2 counts, and the address.
fn size_of_head<T>(request: &Request<T>) -> u64 {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let address = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    u64::try_from(fields.sum::<usize>() + address).unwrap_or(u64::MAX)
}

/// Without the port.
fn name_of(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.map_or(host, |(name, _)| name)
}
