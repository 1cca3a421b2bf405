//! Refusals as problem documents (RFC 9457).

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sceau_element_api::CallError;
use sceau_element_api::problem::{MEDIA_TYPE, Problem};
use sceau_element_api::protect::CONTENT_REFUSED;
use sceau_element_api::wire::{Code, Refusal};

use super::bodies::Ended;
use crate::carried::Dropped;
use crate::registration::Unregistered;
use crate::rows::RowsError;

/// Longer than is worked on.
const LONG_BODY: &str = "the body is longer than this keyfront takes (longest_body of GET /v1/protect/keyfront; longest_spooled, to be decrypted by cbc-rs256)";
/// What a caller does whose call was brought.
const USED_UP: &str = "the call is used up: sign another";
const SLOW: (u16, &str, &str) = (408, "body_slow", "The body took too long");

/// Why a caller gets nothing.
#[derive(Debug)]
pub(super) struct Refused(Problem);

impl Refused {
    /// The body is not what the route takes.
    pub(super) fn malformed(words: &str) -> Self {
        Refusal::new(Code::Malformed, words).into()
    }

    /// The body is longer than the route takes.
    pub(super) fn too_large() -> Self {
        Refusal::new(Code::TooLarge, "a call has at most 64 KiB, an application's document 256 KiB").into()
    }

    /// A body that was to be worked on, and is not: nothing of it was answered.
    pub(super) fn body(why: Ended) -> Self {
        let (status, code, title) = match &why {
            Ended::Refused(refusal) => return refusal.clone().into(),
            Ended::TurnedAway(code) => return Self(code.problem().with_detail(format!("{why}; {USED_UP}"))),
            Ended::Unjudged | Ended::Unsigned => return Self::away("the element"),
            Ended::Unspooled => return Self::away("the keyfront’s disk"),
            // As the element says it of a signature that is none.
            Ended::Content(_) => return Refusal::new(Code::ContentInvalid, CONTENT_REFUSED).into(),
            Ended::TooLong => return Refusal::new(Code::TooLarge, format!("{LONG_BODY}; {USED_UP}")).into(),
            Ended::Slow | Ended::Overdue => SLOW,
            Ended::OtherBody => (422, "body_mismatch", "The body is another than the call binds"),
            Ended::Envelope { code, .. } => (422, *code, "The envelope is refused"),
            Ended::Gone | Ended::Broken => (400, "body_broken", "The body broke off"),
        };
        Self(Problem::new(status, code, title).with_detail(format!("{why}; {USED_UP}")))
    }

    /// The body says that it is longer than is worked on: its call was not brought.
    pub(super) fn long_body() -> Self {
        Refusal::new(Code::TooLarge, LONG_BODY).into()
    }

    /// A call, or an application's document, did not arrive in time: it was not brought.
    pub(super) fn slow() -> Self {
        let (status, code, title) = SLOW;
        Self(Problem::new(status, code, title).with_detail("it may take 20 seconds to arrive: send it again"))
    }

    /// A protocol that cannot say that an answer was cut.
    pub(super) fn old_protocol() -> Self {
        let problem = Problem::new(505, "http_version", "Bodies are worked on over HTTP/1.1 or HTTP/2");
        Self(problem.with_detail(
            "HTTP/1.0 does not tell an answer that was cut from a whole one: ask again over HTTP/1.1 or HTTP/2, with the same call",
        ))
    }

    /// As many bodies of one application as it may have.
    pub(super) fn many_bodies_of_application(was_brought: bool) -> Self {
        let then = if was_brought { USED_UP } else { "ask again with the same call" };
        let words =
            "as many bodies of this application are under way as it may have, so that others have room too";
        Refusal::new(Code::Busy, format!("{words}: wait for answers; {then}")).into()
    }

    /// As many bodies as there is room for.
    pub(super) fn many_bodies() -> Self {
        Refusal::new(
            Code::Busy,
            "as many bodies are under way as there is room for: ask again with the same call",
        )
        .into()
    }

    /// The call does not ask this keyfront to work.
    pub(super) fn other_session() -> Self {
        let words = "the call's session is not this keyfront's: take the one of GET /v1/protect/keyfront, which is new at each of its starts";
        Refusal::new(Code::SessionKeyInvalid, words).into()
    }

    /// There is no such route.
    pub(super) fn nowhere() -> Self {
        Refusal::new(Code::NotFound, "there is no such route").into()
    }

    /// Too many requests of one address are under way.
    pub(super) fn busy() -> Self {
        Refusal::new(Code::Busy, "too many requests from your address are under way: wait for answers").into()
    }

    /// A part of ours gives no answer.
    pub(super) fn away(what: &str) -> Self {
        let problem = Problem::new(503, "unavailable", "The protection of data is not available");
        Self(problem.with_detail(format!("{what} does not answer: ask again later, with another call")))
    }
}

impl From<Dropped> for Refused {
    fn from(_: Dropped) -> Self {
        Self::away("the keyfront")
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(Problem::from(&refusal))
    }
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal.into(),
            error => {
                tracing::error!(%error, "the element gives no answer");
                Self::away("the element")
            }
        }
    }
}

impl From<Unregistered> for Refused {
    fn from(why: Unregistered) -> Self {
        match why {
            Unregistered::Document(error) => Refusal::new(Code::DocumentMalformed, error.to_string()).into(),
            Unregistered::Element(error) => error.into(),
        }
    }
}

impl From<RowsError> for Refused {
    fn from(error: RowsError) -> Self {
        tracing::error!(%error, "the database gives no answer");
        Self::away("the database")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        (status, [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], body).into_response()
    }
}
