//! A body on its way in and out: a part at a time, until it ends or is stopped.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::body::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use sceau_accounts::callers::CallerCode;
use sceau_crypto::envelope::{OpenError, SealError};
use sceau_crypto::{Sha256, cbc};
use sceau_element_api::wire::Refusal;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// What a time-out is counted for.
const MEBIBYTE: u64 = 1 << 20;

/// Why a body is not gone on with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(in crate::keyfront) enum Ended {
    /// Whoever reads is gone.
    #[error("the caller is gone")]
    Gone,
    /// The datum is not to be had any more.
    #[error("stopped: {0}")]
    Refused(Refusal),
    /// The caller would be turned away by its certificate now.
    #[error("stopped: the caller's certificate is refused now ({})", .0.as_str())]
    TurnedAway(CallerCode),
    /// Nobody says whether it is still to be had.
    #[error("stopped: the element does not answer whether the authorisation still counts")]
    Unjudged,
    /// Too slow, one way or the other.
    #[error("a mebibyte took too long")]
    Slow,
    /// Not slow, and not over in its time all the same.
    #[error("the body took longer than this keyfront works on one")]
    Overdue,
    /// Longer than is taken.
    #[error("the body is longer than this keyfront takes")]
    TooLong,
    /// Not what the call binds.
    #[error("the body is not the one that the call binds")]
    OtherBody,
    /// The envelope is not one, or is not under the call's key.
    #[error("{words}")]
    Envelope {
        /// The code of docs/envelope.md.
        code: &'static str,
        /// What is wrong.
        words: String,
    },
    /// The content is not the one that was signed: nothing tells what is wrong with it.
    #[error(transparent)]
    Content(#[from] cbc::Refused),
    /// The element does not sign the content.
    #[error("stopped: the element does not sign the content")]
    Unsigned,
    /// There is no room for what is to be verified.
    #[error("stopped: the body cannot be kept until it is verified")]
    Unspooled,
    /// Cut off.
    #[error("the body broke off")]
    Broken,
}

/// What both ways have in common.
#[derive(Clone)]
pub(super) struct Line {
    /// Says that it is to stop, and why.
    pub(super) stopped: watch::Receiver<Option<Ended>>,
    /// How long a mebibyte may take.
    pub(super) each_mebibyte: Duration,
}

/// What comes in.
pub(super) struct Incoming {
    line: Line,
    body: BodyDataStream,
    /// What came, and was not taken yet.
    here: Bytes,
    /// How much more is taken.
    left: u64,
    /// What the whole must hash to, where the call says so.
    bound: Option<(Sha256, Vec<u8>)>,
    /// When the mebibyte that is read must be there, and where it ends.
    due: Option<(Instant, u64)>,
    read: u64,
}

/// What goes out.
pub(super) struct Outgoing {
    line: Line,
    to: mpsc::Sender<Bytes>,
    /// When something was taken last, or there was nothing to take.
    taken: watch::Sender<Instant>,
}

impl Line {
    /// Waits for `what`, unless it is stopped first.
    async fn wait<T>(&mut self, until: Instant, what: impl Future<Output = T>) -> Result<T, Ended> {
        let end = async {
            let ended = self.stopped.wait_for(Option::is_some).await;
            ended.ok().and_then(|ended| ended.clone()).unwrap_or(Ended::Gone)
        };
        tokio::select! {
            biased;
            why = end => Err(why),
            done = timeout_at(until, what) => done.map_err(|_| Ended::Slow),
        }
    }
}

impl Incoming {
    /// A body of at most `longest` octets, which hashes to `bound` if that is said.
    pub(super) fn new(line: Line, body: BodyDataStream, longest: u64, bound: Option<Vec<u8>>) -> Self {
        let bound = bound.map(|bound| (Sha256::new(), bound));
        Self { line, body, here: Bytes::new(), left: longest, bound, due: None, read: 0 }
    }

    /// Appends to `part` until it has `length` octets, or the body ends. Whether nothing follows: only then is the body the one that was bound.
    ///
    /// # Errors
    /// [`Ended`]: the body is too long, too slow, broken off, not the one that was bound, or stopped.
    pub(super) async fn fill(&mut self, part: &mut BytesMut, length: usize) -> Result<bool, Ended> {
        loop {
            let wanted = length.saturating_sub(part.len()).min(self.here.len());
            part.extend_from_slice(&self.here.split_to(wanted));
            if !self.here.is_empty() {
                return Ok(false);
            }
            match self.more().await? {
                Some(came) => self.here = came,
                None => return Ok(true),
            }
        }
    }

    /// The next octets; none at the end.
    async fn more(&mut self) -> Result<Option<Bytes>, Ended> {
        let due = match self.due {
            Some((due, end)) if self.read < end => due,
            _ => {
                let due = Instant::now() + self.line.each_mebibyte;
                self.due = Some((due, self.read + MEBIBYTE));
                due
            }
        };
        let Some(came) = self.line.wait(due, self.body.next()).await? else {
            return self.whole().map(|()| None);
        };
        let came = came.map_err(|_| Ended::Broken)?;
        let length = came.len() as u64;
        self.left = self.left.checked_sub(length).ok_or(Ended::TooLong)?;
        self.read += length;
        if let Some((hash, _)) = &mut self.bound {
            hash.update(&came);
        }
        Ok(Some(came))
    }

    fn whole(&mut self) -> Result<(), Ended> {
        let Some((hash, bound)) = self.bound.take() else { return Ok(()) };
        if hash.finish().as_slice() == bound { Ok(()) } else { Err(Ended::OtherBody) }
    }
}

impl Outgoing {
    /// What goes to whoever reads `to`.
    pub(super) fn new(line: Line, to: mpsc::Sender<Bytes>, taken: watch::Sender<Instant>) -> Self {
        Self { line, to, taken }
    }

    /// Nothing goes out yet, though it goes on: that nothing was taken is nobody's slowness.
    pub(super) fn waits(&self) {
        self.taken.send_replace(Instant::now());
    }

    /// Gives a part out, once there is room for it.
    ///
    /// # Errors
    /// [`Ended`]: nobody takes it, or it is stopped.
    pub(super) async fn send(&mut self, part: Bytes) -> Result<(), Ended> {
        if part.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + self.line.each_mebibyte;
        self.line.wait(until, self.to.send(part)).await?.map_err(|_| Ended::Gone)
    }
}

impl From<SealError> for Ended {
    fn from(error: SealError) -> Self {
        Self::Envelope { code: error.code(), words: error.to_string() }
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        Self::Envelope { code: error.code(), words: error.to_string() }
    }
}
