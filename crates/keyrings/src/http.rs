//! What actors and terminals call.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sceau_accounts::callers::{Callers, guarded, presented, turned_away};
use sceau_element_api::keyring::{
    ActorRole, ContextOffer, CurrentDocument, KeyringPhase, KeyringPolicy, KeyringsAbout, SealedAnswer,
    SealedMessage,
};
use sceau_element_api::wire::{Attest, AttestedRow, Code, Refusal};
use sceau_element_api::{KeyringId, KeyringRequestId, Kind, PolicyId, RowId};
use sceau_keyring::{
    Answered, Asked, LONGEST_REQUEST, LONGEST_WAIT, RequestState, VisitAsk, Visiting, Waiting, places,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::body::{Arrived, arrive};
use crate::code::Code as Own;
use crate::host::{Host, Room};
use crate::refusal::Refused;
use crate::requests::judge;
use crate::roles::{Actor, Helper, Officer, Provider, keep_shown};
use crate::rows::{KeyringCursor, ListedKeyring, Report, ReportCursor};
use crate::visits::{CameFor, Visitor};

/// Rows of a page.
const PAGE: u64 = 100;

/// A place where the host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Whom it hears.
    pub hears: Hears,
    /// `get` or `post`.
    pub method: &'static str,
    /// With parts in braces.
    pub path: &'static str,
    /// What it answers where it does what is asked.
    pub answers: &'static [u16],
}

/// Whom a place hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hears {
    /// Who comes: what is brought is sealed to the element, or signed by a terminal, or nothing that is not public is told.
    Anybody,
    /// The security officer in office.
    Officer,
    /// Service providers.
    Provider,
    /// Support and registration authorities.
    Helper,
}

/// Says each place once: for the router, for who demands a certificate there, and for the document of it.
macro_rules! places {
    ($($hears:ident $method:ident $path:expr => $handler:expr, $($status:literal)|+;)*) => {
        /// Where a host of keyrings answers, but `/check`: what a certificate may be demanded for.
        pub const PLACES: &[&str] = &[$($path),*];

        /// The same, with whom each hears.
        pub const ROUTES: &[Route] = &[$(Route {
            hears: Hears::$hears, method: stringify!($method), path: $path, answers: &[$($status),+],
        }),*];

        fn routed() -> Router<Host> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

places! {
    Anybody  get  places::ABOUT => about, 200;
    Anybody  post places::CONTEXTS => context, 200;
    Anybody  post places::MESSAGES => message, 200;
    Officer  post places::DOCUMENTS => attest, 200;
    Anybody  get  "/v1/keyrings/documents/{kind}/{id}" => current, 200;
    Anybody  get  "/v1/keyrings/documents/{kind}/{id}/proven" => proven, 200;
    Provider post places::REQUESTS => deposit, 200 | 201;
    Provider get  "/v1/keyrings/requests/{request}" => became, 200;
    Anybody  post places::NONCES => nonce, 200;
    Anybody  post places::VISITS => visit, 200;
    Helper   get  "/v1/keyrings/policies" => policies, 200;
    Helper   get  "/v1/keyrings/policies/{policy}/keyrings" => keyrings, 200;
    Helper   get  "/v1/keyrings/policies/{policy}/reports" => reports, 200;
}

/// What a host answers, to who comes by a connection of its own or by a gate's; `callers` judge certificates, where the operator says by what.
pub fn routes(host: Host, callers: Option<&Callers>) -> Router {
    let router = routed().route("/check", get(check));
    let router = router.fallback(async || Refused::new(Code::NotFound, "there is no such address"));
    let router = guarded(router, callers, turned_away);
    router.layer(map_request(keep_shown)).with_state(host)
}

/// The same behind a gate, whose word for a caller's certificate is taken (RFC 9440): for a socket that the gate alone opens.
pub fn behind_a_gate(router: Router) -> Router {
    let take = async |mut request: Request| {
        let shown = presented(request.headers());
        request.extensions_mut().insert(shown);
        Ok::<_, Infallible>(request)
    };
    router.layer(map_request(take))
}

async fn check(State(host): State<Host>) -> Response {
    let (status, word) = match host.is_ready().await {
        true => (StatusCode::OK, "pass"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    (status, Json(json!({ "status": word }))).into_response()
}

fn kept_by_nobody(answer: impl Serialize) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response()
}

// Anybody: sealed to the element, which judges, or public.

async fn about(_room: Room, State(host): State<Host>) -> Result<Json<KeyringsAbout>, Refused> {
    Ok(Json(host.element().keyrings_about().await?))
}

async fn context(_room: Room, State(host): State<Host>) -> Result<Json<ContextOffer>, Refused> {
    Ok(Json(host.element().keyring_context().await?))
}

async fn message(
    State(host): State<Host>,
    Arrived(message, _held): Arrived<SealedMessage>,
) -> Result<Json<SealedAnswer>, Refused> {
    // Where it comes from is nobody's word but the edge's, which is not told here.
    let answer = host.element().keyring(SealedMessage { address: None, ..message }).await?;
    host.feed().nudge();
    Ok(Json(answer))
}

async fn current(
    _room: Room,
    State(host): State<Host>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<AttestedRow>, Refused> {
    let (kind, id) = named(&kind, &id)?;
    Ok(Json(host.element().current(kind, id).await?.ok_or_else(none)?))
}

/// The current version itself, and the evidence that the log has it: who asks believes that, and not this host.
async fn proven(
    _room: Room,
    State(host): State<Host>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<CurrentDocument>, Refused> {
    let (kind, id) = named(&kind, &id)?;
    let (row, kept) = host.element().kept(kind, id).await?.ok_or_else(none)?;
    let evidence = host.element().evidence(row.index).await?;
    Ok(Json(CurrentDocument { row, payload: kept.payload, evidence }))
}

fn none() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such document")
}

fn named(kind: &str, id: &str) -> Result<(Kind, RowId), Refusal> {
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(none)?;
    of_officer(kind)?;
    Ok((kind, id.parse().map_err(|_| none())?))
}

/// The documents that the security officer signs; this host attests no other.
fn of_officer(kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::KeyringPolicy | Kind::KeyringAccess | Kind::KeyringOfficer => Ok(()),
        _ => Err(Refusal::new(Code::NotFound, "documents of this kind are not taken here")),
    }
}

// The security officer.

async fn attest(
    _officer: Officer,
    State(host): State<Host>,
    Arrived(attest, _held): Arrived<Attest>,
) -> Result<Json<AttestedRow>, Refused> {
    of_officer(attest.kind)?;
    let row = host.element().attest(attest).await?;
    host.feed().nudge();
    Ok(Json(row))
}

// Providers of services.

async fn deposit(
    provider: Actor<Provider>,
    State(host): State<Host>,
    request: Request,
) -> Result<Response, Refused> {
    let Actor { acting, room, .. } = provider;
    drop(room);
    let (body, _held) = arrive(request, "application/jose", LONGEST_REQUEST, &host).await?;
    let jws = String::from_utf8(body).map_err(|_| Refused::malformed("a request is a compact JWS"))?;
    let judged = match judge(host.rows(), &acting, jws.clone(), host.origin(), host.now()).await {
        Err(refused) if refused.is_of_rows() => {
            // Keyring, policy or actor may be new. While the element is away it is as it was found: who asks learns nothing else of a keyring then.
            match host.feed().freshen().await {
                Ok(()) => judge(host.rows(), &acting, jws, host.origin(), host.now()).await?,
                Err(_) => return Err(refused),
            }
        }
        judged => judged?,
    };
    let new = host.rows().deposit(&judged, host.notices(), host.now()).await?;
    let (request, keyring, ends) = (judged.request.request, judged.request.keyring, judged.request.ends);
    if new {
        host.bell().ring(keyring.to_string());
    }
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, kept_by_nobody(Waiting { request, ends })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patience {
    /// Seconds that an answer may wait for news, 0 to 25.
    #[serde(default)]
    wait: u64,
}

async fn became(
    provider: Actor<Provider>,
    State(host): State<Host>,
    Path(request): Path<KeyringRequestId>,
    Query(Patience { wait }): Query<Patience>,
) -> Result<Response, Refused> {
    let Actor { acting, room, .. } = provider;
    let looks = async || {
        let heard = host.bell().heard(request.to_string());
        let kept = host.rows().request(request).await?;
        // Of another provider, it is as if there were none.
        let own = kept.and_then(|kept| Some((acting.iter().find(|by| kept.is_of(by))?, kept)));
        let (by, kept) = own.ok_or(Own::RequestUnknown)?;
        Ok::<_, Refused>(((by.organisation, by.actor.id), kept, heard))
    };
    let (by, mut kept, mut heard) = looks().await?;
    if wait > 0 && kept.state(host.now()) == RequestState::Pending {
        let _place = host.polling_place(by.0, by.1)?;
        drop(room);
        let waits = async {
            while kept.state(host.now()) == RequestState::Pending {
                heard.await;
                (_, kept, heard) = looks().await?;
            }
            Ok::<_, Refused>(kept)
        };
        kept = match tokio::time::timeout(Duration::from_secs(wait).min(LONGEST_WAIT), waits).await {
            Ok(kept) => kept?,
            Err(_) => looks().await?.1,
        };
    }
    let outcome = kept.outcome().map(|outcome| RawValue::from_string(outcome.to_owned())).transpose();
    let outcome = outcome.map_err(|_| Own::RequestUnknown)?;
    let (state, ends) = (kept.state(host.now()), kept.ends);
    Ok(kept_by_nobody(Asked::<Box<RawValue>> { request, state, ends, jws: kept.jws, outcome }))
}

// Terminals.

async fn nonce(_room: Room, State(host): State<Host>) -> Response {
    kept_by_nobody(host.nonces().give(host.now()))
}

async fn visit(
    State(host): State<Host>,
    CameFor(name): CameFor,
    Arrived(visiting, held): Arrived<Visiting>,
) -> Result<Response, Refused> {
    let visitor = Visitor::of(&host, &name, &visiting).await?;
    // Who waits has another place.
    let _held = Some(held).filter(|_| !matches!(visitor.ask(), VisitAsk::Wait { .. }));
    let told = visitor.served(&host).await?;
    Ok(kept_by_nobody(Answered { told, next: Some(host.nonces().give(host.now())) }))
}

// Registration authorities and support: states and history, of their policies.

impl Actor<Helper> {
    fn of_policy(&self, policy: PolicyId) -> Result<(), Refused> {
        let may = self.acting.iter().any(|by| by.actor.policies.contains(&policy));
        let words = "your certificate is not registered for this policy";
        if may { Ok(()) } else { Err(Refused::new(Code::PolicyUnknown, words)) }
    }

    fn is_authority_of(&self, policy: PolicyId) -> bool {
        let mut acting = self.acting.iter().map(|by| &by.actor);
        acting.any(|it| it.role == ActorRole::RegistrationAuthority && it.policies.contains(&policy))
    }
}

async fn policies(helper: Actor<Helper>, State(host): State<Host>) -> Result<Response, Refused> {
    let mut own: Vec<KeyringPolicy> = Vec::new();
    for by in &helper.acting {
        let all = host.rows().policies(by.organisation).await?;
        own.extend(all.into_iter().filter(|policy| by.actor.policies.contains(&policy.policy)));
    }
    Ok(kept_by_nobody(json!({ "policies": own })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichKeyrings {
    phase: Option<KeyringPhase>,
    /// Both, of the last one that was listed.
    made: Option<u64>,
    keyring: Option<KeyringId>,
}

async fn keyrings(
    helper: Actor<Helper>,
    State(host): State<Host>,
    Path(policy): Path<PolicyId>,
    Query(which): Query<WhichKeyrings>,
) -> Result<Response, Refused> {
    helper.of_policy(policy)?;
    let after = which.made.zip(which.keyring).map(|(made, keyring)| KeyringCursor { made, keyring });
    let keyrings: Vec<ListedKeyring> = host.rows().keyrings(policy, which.phase, after, PAGE).await?;
    Ok(kept_by_nobody(json!({ "keyrings": keyrings })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichReports {
    /// Both, of the last one that was listed.
    time: Option<u64>,
    request: Option<KeyringRequestId>,
}

async fn reports(
    helper: Actor<Helper>,
    State(host): State<Host>,
    Path(policy): Path<PolicyId>,
    Query(which): Query<WhichReports>,
) -> Result<Response, Refused> {
    helper.of_policy(policy)?;
    let after = which.time.zip(which.request).map(|(time, request)| ReportCursor { time, request });
    let mut reports: Vec<Report> = host.rows().reports(policy, after, PAGE).await?;
    // For whom a holder is asked is for the authority that knows the holder; who helps does without.
    if !helper.is_authority_of(policy) {
        reports.iter_mut().for_each(|report| report.provider = None);
    }
    Ok(kept_by_nobody(json!({ "reports": reports })))
}
