//! The routes, and the listener of their own.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::header::{CACHE_CONTROL, ORIGIN, VARY};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures::{StreamExt as _, stream};
use sceau_accounts::{Accounts, Source, routes as accounts};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;

use super::refusal::{Refusal, worded};
use super::{MobHost, attachments, check, download, keys, lists, metadata, requests, steps};
use crate::cross_origin::let_in;
use crate::guard::OF_A_SOURCE;
use sceau_accounts::callers::{Callers, Edge, guarded};

/// The largest JSON body, in bytes.
const MAX_JSON: usize = 256 * 1024;
/// How long a body that is no file may take to arrive.
const BODY: Duration = Duration::from_secs(20);
/// Where MOB's scripts ask for a token.
const TOKEN: &str = "/auth/realms/mcm/protocol/openid-connect/token";

/// Serves until `stop` resolves.
pub async fn serve(host: MobHost, listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>) {
    let router = router(host.clone(), edge.callers());
    tokio::select! {
        () = crate::intake::listen(router, listener, edge, stop) => {}
        () = host.keep_tidy() => {}
    }
}

fn router(host: MobHost, callers: Option<&Callers>) -> Router {
    let small = Router::new()
        .route("/check", get(check::check))
        .route(TOKEN, post(token))
        .route("/v1/funders/{funder}/encryption_key", put(keys::put))
        .route("/v1/subscriptions/timestamps", get(check::timestamps))
        .route("/v1/subscriptions/{id}", get(requests::one).patch(requests::change))
        .route("/v1/subscriptions/{id}/attachments/{filename}", get(download::fetch))
        .route("/v1/subscriptions/{id}/validate", post(steps::validate))
        .route("/v1/subscriptions/{id}/reject", post(steps::reject))
        .merge(steps_of_citizens("/v1/subscriptions"))
        .merge(steps_of_citizens("/v1/maas/subscriptions").layer(from_fn(as_before)))
        .layer(DefaultBodyLimit::max(MAX_JSON))
        .layer(from_fn(soon));
    // The body is streamed; each file is counted.
    let files = |path| Router::new().route(path, post(attachments::receive));
    let large = files("/v1/subscriptions/{id}/attachments")
        .merge(files("/v1/maas/subscriptions/{id}/attachments").layer(from_fn(as_before)))
        .layer(DefaultBodyLimit::disable());
    guarded(small.merge(large), callers, worded)
        .layer(from_fn_with_state(host.clone(), hold))
        .layer(from_fn_with_state(host.clone(), cross_origin))
        .with_state(host)
}

/// What citizens and mobility services call, now and at the older addresses.
fn steps_of_citizens(under: &str) -> Router<MobHost> {
    Router::new()
        .route(under, post(requests::create).get(lists::list))
        .route(&format!("{under}/metadata"), post(metadata::create))
        .route(&format!("{under}/metadata/{{metadata}}"), get(metadata::one))
        .route(&format!("{under}/{{id}}/verify"), post(steps::verify))
}

/// The older addresses answer 200 where the newer ones say 201.
async fn as_before(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::CREATED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

impl FromRef<MobHost> for Accounts {
    fn from_ref(host: &MobHost) -> Self {
        host.accounts().clone()
    }
}

/// Holds each machine to a pace before anything is looked up for it.
async fn hold(State(host): State<MobHost>, source: Source, request: Request, next: Next) -> Response {
    match host.dossiers().throttle("mob", source, OF_A_SOURCE) {
        Ok(()) => next.run(request).await,
        Err(fault) => Refusal::from(fault).into_response(),
    }
}

/// Small bodies arrive soon, or end with an error: nobody holds a connection by a body that drips.
async fn soon(request: Request, next: Next) -> Response {
    let until = Instant::now() + BODY;
    let (head, body) = request.into_parts();
    let body = stream::unfold(Some(body.into_data_stream()), move |body| async move {
        let mut body = body?;
        match timeout_at(until, body.next()).await {
            Ok(bytes) => Some((bytes?, Some(body))),
            Err(_) => Some((Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))), None)),
        }
    });
    next.run(Request::from_parts(head, Body::from_stream(body))).await
}

/// Client credentials for a token, at the address of MOB's provider of identities: the platform's own endpoint answers.
async fn token(State(host): State<MobHost>, mut request: Request) -> Response {
    *request.uri_mut() = Uri::from_static("/v1/oauth/token");
    let (router, _) = accounts(host.accounts().clone()).split_for_parts();
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Lets the one page of another origin in, and no other.
async fn cross_origin(State(host): State<MobHost>, request: Request, next: Next) -> Response {
    let page = host.settings().page.as_deref();
    let origin = request.headers().get(ORIGIN).cloned();
    let ours =
        origin.as_ref().is_some_and(|origin| page.is_some_and(|page| origin.as_bytes() == page.as_bytes()));
    let preflight = request.method() == Method::OPTIONS;
    let mut response = match (preflight, ours) {
        (true, true) => StatusCode::NO_CONTENT.into_response(),
        (true, false) => StatusCode::FORBIDDEN.into_response(),
        (false, _) => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = origin.filter(|_| ours) {
        let_in(headers, origin, preflight.then_some("GET, POST, PUT, PATCH"));
    }
    response
}
