//! What the citizen's page calls, from the platform's origin (CORS): a token of its own, never a cookie, says for which deposit.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, to_bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, ORIGIN, VARY};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures::StreamExt as _;
use sceau_accounts::{AccountsError, ProblemResponse, bearer};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{AnswerValue, SealedFile};
use sceau_store::neighbourhood;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Intake;
use super::admission::{Given, missing_answer, missing_document};
use super::deposit::{Announced, Clean, Deposit, Standing};
use super::platform::Meant;
use super::refusal::Refusal;
use crate::cross_origin::let_in;
use sceau_accounts::callers::{Callers, guarded, turned_away};

/// How long a JSON body may take to arrive.
const BODY: Duration = Duration::from_secs(20);
/// How long a refused body is read on.
const LINGER: Duration = Duration::from_secs(5);
/// The largest JSON body, in bytes.
const MAX_JSON: usize = 512 * 1024;
/// Deposits that are held at once.
const MOST_DEPOSITS: usize = 10_000;
/// Of them, of one dossier: another page of the same depositor takes the place of the oldest.
const OF_A_DOSSIER: usize = 4;

/// The routes.
pub(super) fn router(intake: Intake, callers: Option<&Callers>) -> Router {
    let small = Router::new()
        .route("/check", get(check))
        .route("/v1/deposits", post(begin))
        .route("/v1/deposits/{id}", get(standing))
        .route("/v1/deposits/{id}/files", post(announce))
        .route("/v1/deposits/{id}/files/{place}", delete(remove))
        .route("/v1/deposits/{id}/finish", post(finish))
        .layer(DefaultBodyLimit::max(MAX_JSON))
        .layer(from_fn(whole_soon));
    // The body is streamed: its length is the announced one, and counted.
    let large = Router::new()
        .route("/v1/deposits/{id}/files/{place}", put(receive))
        .layer(DefaultBodyLimit::disable());
    // A page of the platform's reads why its caller is turned away.
    guarded(small.merge(large), callers, turned_away)
        .layer(from_fn_with_state(intake.clone(), cross_origin))
        .with_state(intake)
}

/// A refusal as a problem document.
struct Refused(ProblemResponse);

impl Refused {
    /// The form is not complete; `what` is missing or wrong.
    fn incomplete(what: String) -> Self {
        Self(Refusal::Incomplete.problem().with_detail(what).into())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.problem().into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

type Answer<T> = Result<Json<T>, Refused>;

/// A grant, what the page means to deposit into, and the answers to the form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beginning {
    grant: String,
    meant: Meant,
    pub(super) answers: Given,
}

/// What the page holds on to.
#[derive(Serialize)]
struct Begun {
    id: String,
    token: String,
    expires: u64,
    largest: u64,
}

/// What the manifest is made of.
#[derive(Serialize)]
struct Finished {
    files: Vec<SealedFile>,
    /// The intake's word on each file, in the same order.
    words: Vec<String>,
    /// The hash of the sealed answers' envelope, which is one of the files.
    sealed_answers: Option<sceau_trace::Hash>,
    /// The answers that the platform may read.
    public: Given,
}

async fn check(State(intake): State<Intake>) -> Response {
    let well = intake.0.settings.antivirus.ready().await.is_ok();
    let (status, word) =
        if well { (StatusCode::OK, "pass") } else { (StatusCode::SERVICE_UNAVAILABLE, "fail") };
    let body = json!({"status": word, "role": "intake", "checks": {"antivirus": word}});
    (status, Json(body)).into_response()
}

/// Begins a deposit: everything is proven and the form is complete, or nothing is made.
async fn begin(
    State(intake): State<Intake>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(body): Json<Beginning>,
) -> Answer<Begun> {
    let now = intake.0.settings.clock.now_ms();
    intake.take_turn(peer.ip(), now)?;
    let held = intake.deposits(|deposits| {
        deposits.retain(|_, deposit| deposit.expires > now);
        deposits.len()
    });
    if held >= MOST_DEPOSITS {
        return Err(Refusal::Busy.into());
    }
    let proven = intake.redeem(body.grant, &body.meant).await?;
    let wrong = if proven.more {
        (!body.answers.is_empty()).then(|| "The answers were sent before.".to_owned())
    } else {
        missing_answer(&proven.form.document, &body.answers)
    };
    if let Some(what) = wrong {
        return Err(Refused::incomplete(what));
    }
    let [id, token] = [(), ()].map(|()| Base64Url(sceau_crypto::random::<32>().to_vec()).encode());
    let hash = sceau_crypto::sha256(token.as_bytes());
    let (expires, more) = (proven.expires, proven.more);
    let deposit = Deposit::new(
        hash,
        proven.dossier,
        proven.server,
        proven.form,
        proven.recipient,
        (body.answers, expires, more),
    );
    intake.deposits(|deposits| {
        let same = deposits.iter().filter(|(_, held)| held.dossier == deposit.dossier);
        let oldest = same.clone().min_by_key(|(_, held)| held.expires).map(|(id, _)| id.clone());
        if let Some(oldest) = oldest.filter(|_| same.count() >= OF_A_DOSSIER) {
            deposits.remove(&oldest);
        }
        deposits.insert(id.clone(), Arc::new(deposit));
    });
    Ok(Json(Begun { id, token, expires, largest: intake.0.settings.largest }))
}

async fn standing(
    State(intake): State<Intake>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Vec<Standing>> {
    Ok(Json(intake.held(&id, &headers)?.standing()))
}

async fn announce(
    State(intake): State<Intake>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(announced): Json<Announced>,
) -> Answer<Value> {
    let deposit = intake.held(&id, &headers)?;
    Ok(Json(json!({"place": intake.announce(&deposit, announced)?})))
}

async fn remove(
    State(intake): State<Intake>,
    Path((id, place)): Path<(String, u32)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    intake.held(&id, &headers)?.remove(place)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Receives a file, in a task of its own: a sender that goes away must not leave parts behind.
async fn receive(
    State(intake): State<Intake>,
    Path((id, place)): Path<(String, u32)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Answer<Clean> {
    let deposit = intake.held(&id, request.headers())?;
    let mut body = request.into_body().into_data_stream();
    let task = async move {
        let received = intake.receive(&deposit, place, peer.ip(), &mut body).await;
        if received.as_ref().is_err_and(|refusal| !matches!(refusal, Refusal::TooSlow | Refusal::Cut)) {
            linger(&mut body).await;
        }
        received
    };
    let received = tokio::spawn(task).await;
    Ok(Json(received.map_err(|_| Refusal::Cut)??))
}

/// Lets a refused body come to its end, unread, for a moment: who is cut off while sending does not read why.
async fn linger(body: &mut BodyDataStream) {
    let rest = async { while let Some(Ok(_)) = body.next().await {} };
    drop(tokio::time::timeout(LINGER, rest).await);
}

/// Seals the answers, and says what the manifest is made of.
async fn finish(
    State(intake): State<Intake>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Finished> {
    let deposit = intake.held(&id, &headers)?;
    let sealed = deposit.sealed()?;
    let form = &deposit.form.document;
    let slots: Vec<Option<&str>> = sealed.iter().map(|(_, slot)| slot.as_deref()).collect();
    if let Some(what) = missing_document(form, &slots).filter(|_| !deposit.more) {
        return Err(Refused::incomplete(what));
    }
    let sensitive = |name: &String| form.form.iter().any(|it| it.name == *name && it.sensitive);
    let (secret, public): (Given, Given) =
        deposit.given.clone().into_iter().partition(|(name, _)| sensitive(name));
    let mut clean: Vec<Clean> = sealed.iter().map(|(file, _)| file.clone()).collect();
    let mut sealed_answers = None;
    let answers = answers(secret, form.documents.len() > 1, &sealed).filter(|_| !deposit.more);
    if let Some(content) = answers {
        let answers = intake.seal_answers(&deposit, content.into()).await?;
        sealed_answers = Some(answers.file.envelope_hash);
        clean.push(answers);
    }
    let (files, words) = clean.into_iter().map(|Clean { file, word }| (file, word)).unzip();
    Ok(Json(Finished { files, words, sealed_answers, public }))
}

/// The sensitive answers and which file is which document, as every depositor's program writes them.
fn answers(secret: Given, several: bool, sealed: &[(Clean, Option<String>)]) -> Option<Vec<u8>> {
    let value = |value: AnswerValue| json!(value);
    let mut all: serde_json::Map<String, Value> =
        secret.into_iter().map(|(name, answer)| (name, value(answer))).collect();
    let slots: serde_json::Map<String, Value> = sealed
        .iter()
        .filter_map(|(file, slot)| Some((file.file.file_id.to_string(), json!(slot.as_ref()?))))
        .collect();
    if several && !slots.is_empty() {
        all.insert("$documents".to_owned(), slots.into());
    }
    (!all.is_empty()).then(|| Value::from(all).to_string().into_bytes())
}

impl Intake {
    /// Takes one token of the address that sends a grant: an invented one costs a signature here, and a request at the platform.
    fn take_turn(&self, peer: IpAddr, now_ms: u64) -> Result<(), Refused> {
        let taken = self.0.grants.take(&neighbourhood(peer), self.0.settings.grants, now_ms);
        taken.map_err(|retry_ms| Refused(AccountsError::TooMany { retry_ms }.into()))
    }

    /// The deposit of an id, for whoever has its token.
    fn held(&self, id: &str, headers: &HeaderMap) -> Result<Arc<Deposit>, Refusal> {
        let token = sceau_crypto::sha256(bearer(headers).unwrap_or_default().as_bytes());
        let now = self.0.settings.clock.now_ms();
        let deposit = self.deposits(|deposits| deposits.get(id).cloned());
        let deposit = deposit.filter(|deposit| deposit.token_hash == token && deposit.expires > now);
        deposit.ok_or(Refusal::UnknownDeposit)
    }
}

/// Small bodies arrive soon, or not at all.
async fn whole_soon(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match tokio::time::timeout(BODY, to_bytes(body, MAX_JSON)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Ok(Err(_)) => Refused::from(Refusal::Cut).into_response(),
        Err(_) => Refused::from(Refusal::TooSlow).into_response(),
    }
}

/// Answers the platform's pages and no other origin's.
async fn cross_origin(State(intake): State<Intake>, request: Request, next: Next) -> Response {
    let platform = intake.0.server.origin();
    let ours = request.headers().get(ORIGIN).is_some_and(|origin| origin.as_bytes() == platform.as_bytes());
    let preflight = request.method() == Method::OPTIONS;
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(origin) = HeaderValue::from_str(&platform).ok().filter(|_| ours) {
        let_in(headers, origin, preflight.then_some("GET, POST, PUT, DELETE"));
    }
    response
}
