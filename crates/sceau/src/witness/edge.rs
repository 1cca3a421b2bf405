//! The protocol over HTTP. Requests and answers are signed: nothing here is secret, and TLS is a proxy's work where there is one.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, header::HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sceau_trace::{AddCheckpoint, WitnessRefusal};

use super::keeper::{Denied, Keeper};

/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);
/// Media type of an answer that says a size.
const SIZE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The witness's only route.
pub(super) fn router(keeper: Arc<Keeper>) -> Router {
    Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(keeper)
}

async fn add_checkpoint(State(keeper): State<Arc<Keeper>>, body: Body) -> Response {
    let read = tokio::time::timeout(PATIENCE, to_bytes(body, AddCheckpoint::MAX_BYTES)).await;
    let Ok(Ok(bytes)) = read else { return refusal(WitnessRefusal::Malformed) };
    let Ok(text) = String::from_utf8(bytes.into()) else { return refusal(WitnessRefusal::Malformed) };
    // It waits for the disk.
    let answered = tokio::task::spawn_blocking(move || keeper.answer(&text, now())).await;
    match answered {
        Ok(Ok(lines)) => answer(StatusCode::OK, TEXT, lines),
        Ok(Err(Denied::Refused(refused))) => refusal(refused),
        Ok(Err(Denied::Unable(why))) => {
            tracing::error!("a checkpoint is not cosigned: {why}");
            answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "this witness cannot cosign now\n".to_owned())
        }
        Err(error) => {
            tracing::error!("a checkpoint is not cosigned: {error}");
            answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "this witness cannot cosign now\n".to_owned())
        }
    }
}

fn refusal(refused: WitnessRefusal) -> Response {
    if matches!(refused, WitnessRefusal::Forked { .. } | WitnessRefusal::BadProof) {
        tracing::warn!(code = refused.code(), "a checkpoint that its log signed is not cosigned: {refused}");
    }
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refused.latest() {
        Some(size) => answer(status, SIZE, format!("{size}\n")),
        None => answer(status, TEXT, format!("{refused}\n")),
    }
}

fn answer(status: StatusCode, media: HeaderValue, body: String) -> Response {
    (status, [(CONTENT_TYPE, media)], body).into_response()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
