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

use super::{looking::Looking, pool::Load};
use crate::{answer::BoxError, crowd::UnderWay};

const TAKEN_BACK: &str = "its client may no longer pass";

/// What is counted until an answer ends.
type Held = (Option<Load>, Option<UnderWay>);

/// What a service sends.
pub(super) struct Answered {
    body: Incoming,
    /// How long nothing may come.
    patience: Duration,
    /// Until the service must go on, or it is time for another look.
    waiting: Option<Pin<Box<Sleep>>>,
    /// When the service must go on, where it is waited for.
    until: Option<Instant>,
    looking: Option<Looking>,
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
        looking: Option<Looking>,
    ) -> Response<Self> {
        let is_two = answer.version() == Version::HTTP_2;
        answer.map(|body| Self {
            body,
            patience,
            waiting: None,
            until: None,
            looking,
            is_two,
            upstream,
            _held: held,
        })
    }

    /// Waits for the service; why no longer, if so.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<&'static str> {
        let now = Instant::now();
        let is_new = self.until.is_none();
        let until = *self.until.get_or_insert(now + self.patience);
        if is_new {
            self.sleep(until);
        }
        loop {
            let Some(waiting) = &mut self.waiting else { return Poll::Pending };
            ready!(waiting.as_mut().poll(context));
            let now = Instant::now();
            if now >= until {
                return Poll::Ready("the service does not go on in time");
            }
            if !self.may_go_on(now) {
                return Poll::Ready(TAKEN_BACK);
            }
            self.sleep(until);
        }
    }

    /// Until then, or the next look.
    fn sleep(&mut self, until: Instant) {
        let until = self.looking.as_ref().map_or(until, |looking| until.min(looking.next()));
        match &mut self.waiting {
            Some(waiting) => waiting.as_mut().reset(until),
            None => self.waiting = Some(Box::pin(tokio::time::sleep_until(until))),
        }
    }

    fn may_go_on(&mut self, now: Instant) -> bool {
        self.looking.as_mut().is_none_or(|looking| looking.may_go_on(now))
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
            let why = ready!(self.wait(context));
            return Poll::Ready(Some(Err(self.fails(why))));
        };
        self.until = None;
        // What is over needs no look.
        if self.looking.is_some() && !self.body.is_end_stream() && !self.may_go_on(Instant::now()) {
            return Poll::Ready(Some(Err(self.fails(TAKEN_BACK))));
        }
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
