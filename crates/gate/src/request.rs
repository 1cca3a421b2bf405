//! Requests, each judged by itself under the plan of its moment.

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{EXPECT, HOST, HeaderValue},
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
    forward::{REQUEST_ID, Said, forward},
    guard::{Admitted, Denial, Guard},
    live::Live,
    observe::{Tls, Trail},
    plan::{Ambiguous, Place, Plan, Route},
    proxy::Carried,
    shown::Shown,
    upstream::Upload,
};

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
        let host = host(&request).map_err(|code| answer::failure(StatusCode::BAD_REQUEST, code))?;
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

/// The host that a request is for, with its port: of HTTP/2 from `:authority`. The error is a code.
fn host<T>(request: &Request<T>) -> Result<String, &'static str> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    let host = authority.or(header).ok_or("host_missing")?;
    if is_host(host) { Ok(host.to_owned()) } else { Err("host_malformed") }
}

/// Whether this is a name or an address, perhaps with a port, and nothing that servers read in several ways (RFC 9110 §7.2; of RFC 3986
/// §3.2.2, what DNS has).
fn is_host(text: &str) -> bool {
    let name = name_of(text);
    let port = text.get(name.len()..).unwrap_or_default().trim_start_matches('.');
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    let is_name = |name: &str| name.split('.').all(is_label);
    let is_address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
    (is_address || is_name(name))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

/// As RFC 9113 §6.5.2 counts, and the address.
fn size_of_head<T>(request: &Request<T>) -> u64 {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let address = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    u64::try_from(fields.sum::<usize>() + address).unwrap_or(u64::MAX)
}

/// Without the port, and without the dot that may stand at a name's end and changes nothing.
fn name_of(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(host, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_in_one_way() {
        for (host, name) in [
            ("api.example.org", "api.example.org"),
            ("api.example.org.", "api.example.org"),
            ("api.example.org.:443", "api.example.org"),
            ("a_b-c:8443", "a_b-c"),
            ("192.0.2.1:1", "192.0.2.1"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert!(is_host(host) && name_of(host) == name, "{host}");
        }
        for none in [
            "",
            ".",
            "a..",
            ".a",
            "a:",
            "a:443:443",
            "a:65536",
            "a/b",
            "a?",
            "a#",
            "a b",
            "a,b",
            "a\"b",
            "a@b",
            "é",
            "[::1",
            "::1",
            "[a]",
            "a%2e",
            "[::1]x",
            "a.:443.",
            "a;b",
        ] {
            assert!(!is_host(none), "{none}");
        }
    }
}
