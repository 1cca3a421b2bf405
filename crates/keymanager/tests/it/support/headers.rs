//! What a key manager that re-wraps asks of the platform.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use sceau_crypto::{Typ, jws};
use sceau_trace::Record;
use serde_json::{Value, json};

use super::platform::{Bad, FakePlatform, problem};

pub async fn sealed(
    State(platform): State<FakePlatform>,
    Path((_, dossier)): Path<(String, String)>,
) -> Response {
    let inside = platform.lock();
    if inside.is(Bad::Away) || inside.is(Bad::NoHeaders) {
        return problem(503, "away");
    }
    inside.sealed.get(&dossier).map_or_else(|| problem(404, "not_found"), |each| Json(each).into_response())
}

/// As the platform does, after the element took the record in; its own checks are judged in its own room.
pub async fn exchange(
    State(platform): State<FakePlatform>,
    Path((organisation, dossier)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    let mut inside = platform.lock();
    let signer = inside.signer().unwrap();
    let payload = jws::verify(body["record"].as_str().unwrap(), Typ::Record, &signer).unwrap();
    let record = Record::parse(&payload).unwrap();
    inside.log.take_in(&organisation, &record);
    let key = record.detail()["key"].clone();
    inside.sealed.get_mut(&dossier).unwrap()["files"] = body["files"].clone();
    for (_, of) in inside.in_use.iter_mut().filter(|(id, _)| *id == dossier) {
        of.clone_from(&key);
    }
    inside.records.push(record);
    if inside.is(Bad::LosesAnswers) {
        return problem(503, "lost");
    }
    Json(json!({"index": 1})).into_response()
}
