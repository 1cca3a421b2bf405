//! The body of a service's answer on its way back: whole, or an error.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Response, Version,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
};
use tokio::time::{Instant, Sleep};

use super::pool::Load;
use crate::{answer::BoxError, crowd::UnderWay};

/// What is counted until an answer ends.
type Held = (Option<Load>, Option<UnderWay>);

/// What a service sends.
pub(super) struct Answered {
    body: Incoming,
    /// How long nothing may come.
    patience: Duration,
    /// Since the service was last waited for.
    waiting: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    /// HTTP/2 has an end that is no end: a stream that is reset without an error.
    is_two: bool,
    upstream: String,
    _held: Held,
}

impl Answered {
    /// The same answer, with a body that ends whole or fails.
    pub(super) fn of(
        answer: Response<Incoming>,
        held: Held,
        patience: Duration,
        upstream: String,
    ) -> Response<Self> {
        let is_two = answer.version() == Version::HTTP_2;
        answer.map(|body| Self {
            body,
            patience,
            waiting: None,
            is_waiting: false,
            is_two,
            upstream,
            _held: held,
        })
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = Instant::now() + self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if !std::mem::replace(&mut self.is_waiting, true) {
            waiting.as_mut().reset(until);
        }
        waiting.as_mut().poll(context)
    }

    fn fails(&self, why: &'static str) -> BoxError {
        tracing::warn!(upstream = %self.upstream, why, "an answer is cut");
        why.into()
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.wait(context));
            return Poll::Ready(Some(Err(self.fails("the service does not go on in time"))));
        };
        self.is_waiting = false;
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                tracing::debug!(%error, "of an upstream");
                Some(Err(self.fails("the service broke off")))
            }
            None if self.is_two && !self.body.is_end_stream() => {
                Some(Err(self.fails("the service took its answer back")))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
