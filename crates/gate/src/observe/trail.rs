//! A request from its head to the end of its answer, as it is told afterwards.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{
    Method, Response, StatusCode, Uri, Version,
    body::Body as _,
    header::HOST,
    http::{request::Parts, uri::Authority},
};
use sceau_pki::ClientIdentity;

use super::{ledger::RouteTally, recent::Refused, span::Span};
use crate::{
    answer::Body,
    door::At,
    guard::Passed,
    holding::{Watched, Watcher},
    plan::Plan,
    shown::Shown,
    upstream::Upload,
};

/// What is known of a request so far; nothing where nobody watches. It is told when this is dropped: with its answer, or without one.
pub(crate) struct Trail(Option<Box<Known>>);

struct Known {
    plan: Arc<Plan>,
    told: Told,
    begun: Instant,
    upload: Upload,
}

/// A request that ended.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// When it began (Unix milliseconds).
    pub(crate) at: u64,
    pub(crate) took: Duration,
    pub(crate) id: String,
    pub(crate) came: Came,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    /// Who it is, where what was shown was believed.
    pub(crate) passed: Option<Passed>,
    /// The path of its route, and its counts.
    pub(crate) route: Option<(Arc<str>, Arc<RouteTally>)>,
    /// None: it ended before an answer.
    pub(crate) status: Option<StatusCode>,
    /// Of the gate's own answer.
    pub(crate) code: Option<String>,
    /// Whether the answer went out whole.
    pub(crate) is_whole: bool,
    /// Octets of bodies.
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) service: Option<Arc<str>>,
    pub(crate) host: Option<String>,
    pub(crate) span: Option<Span>,
}

/// How a request came in.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// From a client, to a listener.
    In {
        listener: SocketAddr,
        from: IpAddr,
        /// None: without TLS.
        tls: Option<Tls>,
        /// What was shown, believed or not.
        shown: Arc<Shown>,
    },
    /// From an application of this machine, on its way to this partner.
    Out { at: At, partner: Authority },
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    /// `1.2` or `1.3`.
    pub(crate) version: &'static str,
    pub(crate) resumed: bool,
}

impl Came {
    /// None: from this machine.
    pub(crate) fn from(&self) -> Option<IpAddr> {
        match self {
            Self::In { from, .. } => Some(*from),
            Self::Out { .. } => None,
        }
    }

    pub(crate) fn tls(&self) -> Option<Tls> {
        match self {
            Self::In { tls, .. } => *tls,
            Self::Out { .. } => None,
        }
    }

    fn shown(&self) -> Option<&Shown> {
        match self {
            Self::In { shown, .. } => Some(shown),
            Self::Out { .. } => None,
        }
    }
}

impl Tls {
    pub(crate) fn of(connection: &rustls::ServerConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        };
        Self { version, resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed) }
    }
}

impl Trail {
    /// Of a request of which nothing is known but its head, which may say what trace it belongs to.
    pub(crate) fn begin(
        plan: &Arc<Plan>,
        came: Came,
        head: &mut Parts,
        upload: &Upload,
        id: &str,
        now: u64,
    ) -> Self {
        let Some(observing) = &plan.observing else { return Self(None) };
        let span = observing.traces().then(|| Span::take(&mut head.headers));
        let told = Told {
            at: now,
            took: Duration::ZERO,
            id: id.to_owned(),
            came,
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            passed: None,
            route: None,
            status: None,
            code: None,
            is_whole: false,
            received: 0,
            sent: 0,
            service: None,
            host: observing.tells().then(|| host(head)).flatten(),
            span,
        };
        let (plan, upload) = (Arc::clone(plan), upload.clone());
        Self(Some(Box::new(Known { plan, told, begun: Instant::now(), upload })))
    }

    pub(crate) fn on(&mut self, route: &Arc<str>, tally: &Arc<RouteTally>) {
        if let Some(known) = &mut self.0 {
            known.told.route = Some((Arc::clone(route), Arc::clone(tally)));
        }
    }

    pub(crate) fn of(&mut self, passed: &Passed) {
        if let Some(known) = &mut self.0 {
            known.told.passed = Some(passed.clone());
        }
    }

    /// Goes along with the answer, and the gate's own code for it, to its end.
    pub(crate) fn follow(mut self, response: Response<Body>, code: Option<String>) -> Response<Body> {
        use http_body_util::BodyExt as _;
        let Some(known) = &mut self.0 else { return response };
        known.told.status = Some(response.status());
        // Of what is not sent, nothing is missing.
        known.told.is_whole = known.told.method == Method::HEAD || response.body().is_end_stream();
        known.told.code = code;
        response.map(|body| Watched::new(body, self).boxed())
    }
}

impl Watcher for Trail {
    fn passed(&mut self, octets: usize, is_whole: bool) {
        if let Some(known) = &mut self.0 {
            known.told.sent += octets as u64;
            known.told.is_whole |= is_whole;
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let Some(known) = self.0.take() else { return };
        let Known { plan, mut told, begun, upload } = *known;
        told.took = begun.elapsed();
        told.received = upload.octets();
        told.service = upload.service();
        let (status, octets) = (told.status.map(|it| it.as_u16()), [told.received, told.sent]);
        if let Some((_, tally)) = &told.route {
            tally.end(status, told.took, octets);
        }
        if let Some(code) = &told.code {
            plan.ledger.answers.one(code);
        }
        if let Some(refused) = told.refused() {
            plan.ledger.recent.note(refused);
        }
        if let Some(observing) = plan.observing.as_ref().filter(|observing| observing.tells()) {
            observing.tell(told);
        }
    }
}

fn host(head: &Parts) -> Option<String> {
    let header = || head.headers.get(HOST).and_then(|host| host.to_str().ok());
    head.uri.authority().map(|authority| authority.as_str()).or_else(header).map(str::to_owned)
}

impl Told {
    /// Who called, or says so.
    pub(crate) fn identity(&self) -> Option<ClientIdentity> {
        match &self.passed {
            Some(passed) => Some(passed.identity().clone()),
            None => self.came.shown()?.chain()?.first().and_then(|leaf| ClientIdentity::read(leaf).ok()),
        }
    }

    /// Where the client was turned away.
    fn refused(&self) -> Option<Refused> {
        let is_refused = matches!(self.status, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN));
        let code = self.code.clone().filter(|_| is_refused)?;
        let identity = self.identity();
        let subject = identity.as_ref().map(|identity| &identity.subject);
        let units = subject.into_iter().flat_map(|subject| subject.organizational_units());
        Some(Refused {
            time: self.at,
            request: self.id.clone(),
            from: self.came.from()?,
            route: self.route.as_ref().map(|(path, _)| path.to_string()).unwrap_or_default(),
            code,
            common_name: subject.and_then(|subject| subject.common_name()).map(|name| name.into_owned()),
            organizational_units: units.map(|unit| unit.into_owned()).collect(),
            issuer: identity.as_ref().map(|identity| identity.issuer.to_string()),
            serial: identity.as_ref().map(|identity| identity.serial.clone()),
        })
    }
}
