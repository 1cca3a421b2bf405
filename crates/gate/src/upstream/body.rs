//! A request's body on its way: how much of it passed, when the last of it did, and what is done with what nobody wants.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Version,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
};
use tokio::time::Instant;

use super::{Trouble, looking::Looking};
use crate::{
    answer::{Body, BoxError},
    forward::trim,
    told::Withheld,
};

/// How much of a body that nobody wants is read before the answer, and for how long.
const UNWANTED: u64 = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(2);

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) struct Upload(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    body: Incoming,
    last: Instant,
    /// Some of it was taken.
    begun: bool,
    over: bool,
    /// Why the service is sent no more of it.
    cut: Option<Cut>,
    /// Octets that passed.
    octets: u64,
    /// The service that was asked last.
    service: Option<Arc<str>>,
    /// HTTP/2 has an end that is no end: a stream that is reset without an error.
    is_two: bool,
    /// What its trailers may not say besides.
    withheld: Withheld,
}

/// Why a body ends before its end, on our side.
#[derive(Clone, Copy, Debug)]
enum Cut {
    TooLarge,
    TakenBack,
}

impl Upload {
    pub(crate) fn new(body: Incoming, version: Version) -> Self {
        let (over, is_two) = (body.is_end_stream(), version == Version::HTTP_2);
        let state = State {
            body,
            last: Instant::now(),
            begun: false,
            over,
            cut: None,
            octets: 0,
            service: None,
            is_two,
            withheld: Withheld::default(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// For a service, of at most so many octets, and for as long as the client may pass.
    pub(super) fn body(&self, most: Option<u64>, looking: Option<Looking>) -> Body {
        Sent { left: most.unwrap_or(u64::MAX), upload: self.clone(), looking }.boxed()
    }

    /// Whose trailers say none of these either.
    pub(crate) fn withhold(&self, withheld: &Withheld) {
        self.state().withheld = withheld.clone();
    }

    /// When something last happened.
    pub(crate) fn last(&self) -> Instant {
        self.state().last
    }

    /// Whether all of it passed, or there is none.
    pub(crate) fn is_over(&self) -> bool {
        self.state().over
    }

    /// Whether some of it passed already, and can pass no second time.
    pub(crate) fn has_begun(&self) -> bool {
        self.state().begun
    }

    /// Octets that passed, to a service or away.
    pub(crate) fn octets(&self) -> u64 {
        self.state().octets
    }

    /// The service that was asked last.
    pub(crate) fn service(&self) -> Option<Arc<str>> {
        self.state().service.clone()
    }

    pub(crate) fn went_to(&self, service: &Arc<str>) {
        self.state().service = Some(Arc::clone(service));
    }

    /// Why the service was sent no more of it, if that is so.
    pub(super) fn cut(&self) -> Option<Trouble> {
        self.state().cut.map(|cut| match cut {
            Cut::TooLarge => Trouble::TooLarge,
            Cut::TakenBack => Trouble::TakenBack,
        })
    }

    /// Reads what nobody wants, within bounds: a client that is still sending when the connection closes may never read the answer.
    pub(crate) async fn drain(&self) {
        let mut left = UNWANTED;
        let all = std::future::poll_fn(|context| {
            loop {
                match ready!(self.poll(context)) {
                    Some(Ok(frame)) => left = left.saturating_sub(length(&frame).max(1)),
                    _ => return Poll::Ready(()),
                }
                if left == 0 {
                    return Poll::Ready(());
                }
            }
        });
        drop(tokio::time::timeout(PATIENCE, all).await);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut state = self.state();
        if state.over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut state.body).poll_frame(context));
        (state.last, state.begun) = (Instant::now(), true);
        state.octets += frame.as_ref().and_then(|frame| frame.as_ref().ok()).map_or(0, length);
        let is_whole = !state.is_two || state.body.is_end_stream();
        state.over = !matches!(frame, Some(Ok(_))) || state.body.is_end_stream();
        Poll::Ready(match frame {
            None if !is_whole => Some(Err("the client took its request back".into())),
            frame => frame.map(|frame| frame.map_err(Into::into)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as a service is sent it.
struct Sent {
    left: u64,
    upload: Upload,
    /// Asked when more of it comes: of what says nothing, nothing goes on.
    looking: Option<Looking>,
}

impl Sent {
    fn cut(&self, cut: Cut, why: &'static str) -> BoxError {
        self.upload.state().cut = Some(cut);
        why.into()
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.upload.poll(context));
        let octets = frame.as_ref().and_then(|frame| frame.as_ref().ok()).map_or(0, length);
        let Some(left) = self.left.checked_sub(octets) else {
            let why = "the body is larger than the route allows";
            return Poll::Ready(Some(Err(self.cut(Cut::TooLarge, why))));
        };
        self.left = left;
        if self.looking.as_mut().is_some_and(|looking| !looking.may_go_on(Instant::now())) {
            return Poll::Ready(Some(Err(self.cut(Cut::TakenBack, "the client may no longer pass"))));
        }
        let upload = self.upload.clone();
        Poll::Ready(frame.map(|frame| {
            frame.map(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    trim(trailers);
                    upload.state().withheld.strip(trailers);
                }
                frame
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.upload.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.upload.state().body.size_hint()
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, Bytes::len) as u64
}
