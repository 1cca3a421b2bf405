//! What readers of dossiers, and those who watch the log, ask of the platform.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse as _, Response};
use sceau_element_api::Base64Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::platform::{Bad, FakePlatform, TestLog, problem};

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
    if platform.lock().is(Bad::KeepsParts) {
        return std::future::pending().await;
    }
    match platform.lock().parts.get(&(file, index)) {
        Some(part) => part.clone().into_response(),
        None => problem(404, "not_found"),
    }
}

pub async fn checkpoint(State(platform): State<FakePlatform>) -> Response {
    let mut inside = platform.lock();
    if inside.is(Bad::Away) {
        return problem(503, "away");
    }
    if inside.is(Bad::ForgetsLast) {
        inside.log.forget_last();
    }
    if let Some(Bad::ShowsOld(size)) = inside.bad {
        return inside.log.as_of(size).note().to_string().into_response();
    }
    inside.log.checkpoint().note().to_string().into_response()
}

#[derive(Deserialize)]
pub struct Range {
    start: usize,
    count: usize,
}

pub async fn entries(
    State(platform): State<FakePlatform>,
    Query(Range { start, count }): Query<Range>,
) -> Response {
    let inside = platform.lock();
    let mut page: Vec<Base64Url> =
        inside.log.entries[start..start + count].iter().cloned().map(Base64Url).collect();
    if inside.is(Bad::ServesOthers) {
        page[0] = Base64Url(b"something else".to_vec());
    }
    if let Some(Bad::ServesEnrolment(root)) = inside.bad
        && let Some(first) = page.first_mut()
        && let Some(statement) = inside.statements.first()
    {
        let mut elsewhere = TestLog::new();
        elsewhere.enrol(statement.organisation, &root);
        *first = Base64Url(elsewhere.entries.remove(0));
    }
    Json(page).into_response()
}
