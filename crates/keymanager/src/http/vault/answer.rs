//! The one form of answers, the one of errors, and bodies as scripts send them.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sceau_crypto::random;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::manager::KeyManager;
use crate::transit::Refusal;

/// An answer with data, with a login, or with neither.
pub(super) enum Answer {
    Data(Value),
    DataAs(u16, Value),
    Auth(Value),
    Done,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Refused(Refusal);

pub(super) type Answered = Result<Answer, Refused>;

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (status, data, auth) = match self {
            Self::Data(data) => (200, data, Value::Null),
            Self::DataAs(status, data) => (status, data, Value::Null),
            Self::Auth(auth) => (200, Value::Null, auth),
            Self::Done => return StatusCode::NO_CONTENT.into_response(),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let answer = json!({
            "request_id": request_id(), "lease_id": "", "renewable": false, "lease_duration": 0,
            "data": data, "wrap_info": null, "warnings": null, "auth": auth,
        });
        (status, Json(answer)).into_response()
    }
}

/// A random UUID (RFC 9562, version 4).
fn request_id() -> String {
    let mut id = hex::encode(random::<16>());
    id.replace_range(12..13, "4");
    id.replace_range(16..17, "a");
    for at in [20, 16, 12, 8] {
        id.insert(at, '-');
    }
    id
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refusal { status, why, .. } = self.0;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let errors = if why.is_empty() { json!([]) } else { json!([why]) };
        (status, Json(json!({"errors": errors}))).into_response()
    }
}

/// A JSON object whatever its media type says, since scripts send others; empty for an empty body. Fields that are not known are left alone.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Refused> {
        let read = serde_json::from_value(Value::Object(self.0));
        read.map_err(|_| Refusal::invalid("a field has not the type that it should").into())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl FromRequest<KeyManager> for Fields {
    type Rejection = Refused;

    async fn from_request(request: Request, manager: &KeyManager) -> Result<Self, Refused> {
        let bytes = axum::body::Bytes::from_request(request, manager).await;
        let bytes = bytes.map_err(|_| Refusal {
            status: 413,
            ..Refusal::invalid("the body is too large, or took too long to arrive")
        })?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|_| Refusal::invalid("error parsing JSON").into())
    }
}
