//! Time that a request may take: a body that arrives byte by byte, or an answer that does not come, holds no connection for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::problem::ProblemResponse;
use crate::code::Code;
use crate::denial::Denial;

/// How long a body may take to arrive, from the first time that somebody waits for it.
const BODY: Duration = Duration::from_secs(20);
/// How long a request may take, its body included: decisions wait ten seconds for the platform.
const REQUEST: Duration = Duration::from_secs(45);

/// Answers with a problem when the request takes too long. What was begun goes on in a task of its own: a caller who goes away must not
/// leave an act half done in memory, between its record and its effect.
pub(super) async fn answer_in_time(request: Request, next: Next) -> Response {
    let request = request.map(|body| Body::new(Deadline { body, until: None }));
    let running = tokio::spawn(next.run(request));
    match tokio::time::timeout(REQUEST, running).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panicked)) => ProblemResponse::from(Code::Internal).into_response(),
        Err(_) => ProblemResponse::from(Denial::TooSlow).into_response(),
    }
}

/// The body did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(super) struct TooSlow;

/// A body that must have ended by a moment.
struct Deadline {
    body: Body,
    until: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Deadline {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY)));
        // Also while bytes drip in.
        if until.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(axum::Error::new(TooSlow))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use axum::Router;
    use axum::http::header::CONTENT_TYPE;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(request: Request) -> Response {
        let router = Router::new()
            .route("/never", get(std::future::pending::<()>))
            .route("/length", post(async |body: Bytes| body.len().to_string()))
            .layer(from_fn(answer_in_time));
        router.oneshot(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_ends_in_a_problem() {
        let begun = tokio::time::Instant::now();
        let answer = asked(Request::get("/never").body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status().as_u16(), begun.elapsed()), (408, REQUEST));
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    }

    /// One byte each second, for ever.
    struct Dripping(Pin<Box<Sleep>>);

    impl HttpBody for Dripping {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            std::task::ready!(self.0.as_mut().poll(context));
            self.0 = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_arrives_byte_by_byte_is_given_up() {
        let body = Body::new(Dripping(Box::pin(tokio::time::sleep(Duration::from_secs(1)))));
        let begun = tokio::time::Instant::now();
        let answer = asked(Request::post("/length").body(body).unwrap()).await;
        assert_eq!((answer.status().as_u16(), begun.elapsed()), (400, BODY));
        let answer = asked(Request::post("/length").body(Body::from("whole")).unwrap()).await;
        assert_eq!(answer.status(), 200);
    }
}
