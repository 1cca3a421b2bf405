//! What a reader of dossiers asks of the platform.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::platform::{Bad, FakePlatform, problem};

/// The token of every reading session.
pub const READING: &str = "a-reading-session";

pub async fn in_use(State(platform): State<FakePlatform>) -> Response {
    let inside = platform.lock();
    if inside.is(Bad::Away) {
        return problem(503, "away");
    }
    let all: Vec<Value> = inside
        .in_use
        .iter()
        .map(|(dossier, key)| json!({"dossier": dossier, "key_id": key, "state": "submitted"}))
        .collect();
    Json(all).into_response()
}

pub async fn part(
    State(platform): State<FakePlatform>,
    Path((_, file, index)): Path<(String, String, usize)>,
    headers: HeaderMap,
) -> Response {
    if headers.get(AUTHORIZATION).is_none_or(|bearer| bearer != &format!("Bearer {READING}")) {
        return problem(401, "reading_expired");
    }
    match platform.lock().parts.get(&(file, index)) {
        Some(part) => part.clone().into_response(),
        None => problem(404, "not_found"),
    }
}
