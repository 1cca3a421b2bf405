//! Whether anything is asked on a connection that carries many requests at once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// The requests of a connection that are not over. Clones are of the same connection.
#[derive(Debug, Clone)]
pub(super) struct Asked(Arc<Mutex<Requests>>);

#[derive(Debug)]
struct Requests {
    under_way: usize,
    /// When the last one ended, or the connection began.
    since: Instant,
}

/// A request that is not over as long as this is held.
#[derive(Debug)]
pub(super) struct UnderWay(Asked);

/// An answer's body, whose request is under way until it was taken, or nobody wants it any more.
pub(super) struct Answering<B> {
    body: B,
    _under_way: UnderWay,
}

impl Default for Asked {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Requests { under_way: 0, since: Instant::now() })))
    }
}

impl Asked {
    pub(super) fn begin(&self) -> UnderWay {
        self.look(|requests| requests.under_way += 1);
        UnderWay(self.clone())
    }

    /// Resolves once nothing was under way for so long.
    pub(super) async fn nothing_for(&self, long: Duration) {
        loop {
            let since = self.look(|it| if it.under_way == 0 { it.since } else { Instant::now() });
            if since.elapsed() >= long {
                return;
            }
            sleep_until(since + long).await;
        }
    }

    fn look<T>(&self, look: impl FnOnce(&mut Requests) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl UnderWay {
    pub(super) fn until_over<B>(self, body: B) -> Answering<B> {
        Answering { body, _under_way: self }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.look(|requests| {
            requests.under_way -= 1;
            requests.since = Instant::now();
        });
    }
}

impl<B: Body + Unpin> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
