//! A body as the envelope's reader and writer know it: blocking, one mebibyte at a time, until it ends or is stopped.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::body::Bytes;
use futures::StreamExt as _;
use sceau_crypto::Sha256;
use sceau_element_api::wire::Refusal;
use tokio::runtime::Handle;
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
    /// Cut off.
    #[error("the body broke off")]
    Broken,
}

/// What reader and writer have in common.
#[derive(Clone)]
pub(super) struct Line {
    /// The runtime that the body lives in.
    pub(super) runtime: Handle,
    /// Says that it is to stop, and why.
    pub(super) stopped: watch::Receiver<Option<Ended>>,
    /// How long a mebibyte may take.
    pub(super) each_mebibyte: Duration,
}

/// What comes in.
pub(super) struct Incoming {
    line: Line,
    body: BodyDataStream,
    /// What came, and was not read yet.
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
    /// What is to go before the rest, and not without any of it.
    before: Vec<u8>,
}

impl Line {
    /// Waits for `what`, unless it is stopped first.
    fn wait<T>(&self, until: Instant, what: impl Future<Output = T>) -> Result<T, Ended> {
        let mut stopped = self.stopped.clone();
        self.runtime.block_on(async {
            let end = async {
                let ended = stopped.wait_for(Option::is_some).await;
                ended.ok().and_then(|ended| ended.clone()).unwrap_or(Ended::Gone)
            };
            tokio::select! {
                biased;
                why = end => Err(why),
                done = timeout_at(until, what) => done.map_err(|_| Ended::Slow),
            }
        })
    }

    fn check(&self) -> Result<(), Ended> {
        self.stopped.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Incoming {
    /// A body of at most `longest` octets, which hashes to `bound` if that is said.
    pub(super) fn new(line: Line, body: BodyDataStream, longest: u64, bound: Option<Vec<u8>>) -> Self {
        let bound = bound.map(|bound| (Sha256::new(), bound));
        Self { line, body, here: Bytes::new(), left: longest, bound, due: None, read: 0 }
    }

    /// The next octets; none at the end.
    fn more(&mut self) -> Result<Option<Bytes>, Ended> {
        self.line.check()?;
        let due = match self.due {
            Some((due, end)) if self.read < end => due,
            _ => {
                let due = Instant::now() + self.line.each_mebibyte;
                self.due = Some((due, self.read + MEBIBYTE));
                due
            }
        };
        let Some(came) = self.line.wait(due, self.body.next())? else { return self.whole().map(|()| None) };
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

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.here.is_empty() {
            match self.more().map_err(io::Error::other)? {
                Some(came) => self.here = came,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.here.len());
        let (to, from) = (buffer.get_mut(..length), self.here.split_to(length));
        to.ok_or(ErrorKind::InvalidInput)?.copy_from_slice(&from);
        Ok(length)
    }
}

impl Outgoing {
    /// What goes to whoever reads `to`, after `before`.
    pub(super) fn new(line: Line, to: mpsc::Sender<Bytes>) -> Self {
        Self { line, to, before: Vec::new() }
    }

    /// Lets these octets go first, with whatever comes next.
    pub(super) fn begin_with(&mut self, octets: &[u8]) {
        self.before = octets.to_vec();
    }
}

impl Write for Outgoing {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let chunk = if self.before.is_empty() {
            Bytes::copy_from_slice(octets)
        } else {
            [std::mem::take(&mut self.before).as_slice(), octets].concat().into()
        };
        let until = Instant::now() + self.line.each_mebibyte;
        let sent = self.line.check().and_then(|()| self.line.wait(until, self.to.send(chunk)));
        sent.map_err(io::Error::other)?.map_err(|_| io::Error::other(Ended::Gone))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
