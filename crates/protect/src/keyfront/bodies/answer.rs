//! The answer while it goes out, and who may end it.

use std::sync::Arc;

use axum::body::Bytes;
use sceau_accounts::callers::Standing;
use sceau_store::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::authorisation::Authorisation;
use super::pipe::Ended;
use super::{BodyLimits, Connection, Held};

/// A body on its way out. It ends cleanly only if the work on it ended well, and nothing stopped it by then.
pub(super) struct Answer {
    pub(super) first: Option<Bytes>,
    pub(super) rest: mpsc::Receiver<Bytes>,
    /// None once it was heard.
    pub(super) working: Option<JoinHandle<Result<(), Ended>>>,
    /// What was heard.
    pub(super) ended: Option<Result<(), Ended>>,
    pub(super) stopped: watch::Receiver<Option<Ended>>,
    /// Dropped when nobody reads any more.
    pub(super) _held: (oneshot::Sender<()>, Arc<Held>),
    /// Each time that something was taken.
    pub(super) taken: watch::Sender<Instant>,
}

/// What may end an answer.
pub(super) struct Watched {
    pub(super) stop: watch::Sender<Option<Ended>>,
    /// Nobody reads the answer any more.
    pub(super) gone: oneshot::Receiver<()>,
    /// When something of it was taken last.
    pub(super) taken: watch::Receiver<Instant>,
    pub(super) authorisation: Option<Authorisation>,
    /// By what certificate the caller came, where callers are judged by theirs.
    pub(super) standing: Option<Standing>,
    pub(super) connection: Connection,
}

impl Answer {
    /// The next octets; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Ended> {
        self.taken.send_replace(Instant::now());
        let chunk = match self.first.take() {
            Some(first) => Some(first),
            None => self.rest.recv().await,
        };
        if chunk.is_none() {
            return self.end().await.map(|()| None);
        }
        // What is ready was granted before, and is not given out after.
        self.check().map(|()| chunk)
    }

    /// How the work ended.
    pub(super) async fn end(&mut self) -> Result<(), Ended> {
        if let Some(working) = self.working.take() {
            self.ended = Some(working.await.unwrap_or(Err(Ended::Broken)));
        }
        self.ended.clone().unwrap_or(Err(Ended::Broken))?;
        self.check()
    }

    fn check(&self) -> Result<(), Ended> {
        self.stopped.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Watched {
    /// Asks whether the authorisation still counts until nobody reads any more, and stops what is under way where it does not.
    pub(super) async fn until_gone(mut self, limits: BodyLimits, clock: Arc<dyn Clock>) {
        let mut each = interval(limits.judged_each);
        each.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let began = Instant::now();
        let why = loop {
            tokio::select! {
                _ = &mut self.gone => break Ended::Gone,
                _ = each.tick() => {}
            }
            if began.elapsed() > limits.whole {
                break Ended::Overdue;
            }
            // Of what comes in and of what goes out, a mebibyte each and one that was begun: longer, and it is not read.
            if self.taken.borrow().elapsed() > 3 * limits.each_mebibyte {
                break Ended::Slow;
            }
            if let Some(Err(code)) = self.standing.as_ref().map(Standing::check) {
                break Ended::TurnedAway(code);
            }
            if let Some(authorisation) = &mut self.authorisation
                && let Err(why) = authorisation.check(clock.now_ms()).await
            {
                break why;
            }
        };
        let is_gone = why == Ended::Gone;
        if !is_gone {
            tracing::info!(%why, "a body is not gone on with");
        }
        self.stop.send_replace(Some(why));
        if is_gone {
            return;
        }
        // Who reads no more hears of no end either: the connection goes instead.
        if timeout(limits.each_mebibyte, &mut self.gone).await.is_err() {
            self.connection.end();
        }
    }
}
