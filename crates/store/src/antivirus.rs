//! ClamAV over its own socket: the exact bytes, as they stream (clamd(8), INSTREAM), to a pool of daemons.
//!
//! A verdict is `Clean` only where the daemon said so of a whole stream. Whatever else happens (too large, cut, late, garbage)
//! is an error, and an error is never a verdict.

mod address;
mod answer;
mod scan;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};

pub use address::{AddressError, ClamdAddress};
pub use scan::Scan;

use crate::Glance;

/// What the antivirus says of a whole stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No signature matched.
    Clean,
    /// A signature matched.
    Infected {
        /// The signature's name, as the daemon wrote it.
        name: String,
    },
}

impl Verdict {
    /// The verdict that a daemon's whole answer holds (clamd(8), the `z` form: one text and one zero byte).
    ///
    /// # Errors
    /// Whatever is not word for word a verdict.
    pub fn read(answer: &[u8]) -> Result<Self, AntivirusError> {
        answer::verdict(answer)
    }
}

/// Why there is no verdict. The stream must then count as unscanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AntivirusError {
    /// No daemon of the pool answers; the reason of the last one asked. Nothing was read from the stream: try again later.
    #[error("no antivirus answers: {0}")]
    Unavailable(String),
    /// The daemon takes no stream of this size (its `StreamMaxLength`).
    #[error("the stream is larger than the antivirus takes (StreamMaxLength)")]
    TooLarge,
    /// The connection was lost in the middle, or closed before a whole answer.
    #[error("the antivirus went away in the middle of a scan")]
    Lost,
    /// The daemon took no byte, or gave no verdict, within the time allowed.
    #[error("the antivirus did not go on in time")]
    Late,
    /// The daemon said that it failed.
    #[error("the antivirus failed: {0}")]
    Failed(String),
    /// The answer is none of the protocol, or came before the stream ended.
    #[error("the antivirus gave an answer that is not of its protocol")]
    Garbage,
    /// The stream that was to be scanned failed.
    #[error("the stream to scan broke off: {0}")]
    Source(String),
}

/// How long a daemon may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To accept a connection and answer a ping.
    pub connect: Duration,
    /// To take the next bytes.
    pub progress: Duration,
    /// From the last byte to the verdict.
    pub verdict: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            progress: Duration::from_secs(60),
            verdict: Duration::from_secs(120),
        }
    }
}

/// A pool of ClamAV daemons. Cheap to clone; each scan begins at the next daemon and passes over those that do not answer.
#[derive(Debug, Clone)]
pub struct Antivirus {
    pool: Arc<[ClamdAddress]>,
    next: Arc<AtomicUsize>,
    patience: Patience,
    /// Anybody may ask whether a daemon answers.
    glance: Arc<Glance<Result<(), String>>>,
    since: Instant,
}

impl Antivirus {
    /// A pool of at least one daemon.
    ///
    /// # Errors
    /// [`AddressError::Empty`] without any.
    pub fn new(pool: Vec<ClamdAddress>, patience: Patience) -> Result<Self, AddressError> {
        if pool.is_empty() {
            return Err(AddressError::Empty);
        }
        Ok(Self {
            pool: pool.into(),
            next: Arc::default(),
            patience,
            glance: Arc::default(),
            since: Instant::now(),
        })
    }

    /// Whether a daemon answers a ping, or did within the last second: however many ask, the daemons are asked once a second.
    ///
    /// # Errors
    /// [`AntivirusError::Unavailable`].
    pub async fn ready(&self) -> Result<(), AntivirusError> {
        let now = || u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let look = async || match self.answering().await {
            Ok(_) => Ok(()),
            Err(AntivirusError::Unavailable(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        };
        self.glance.of(now, look).await.map_err(AntivirusError::Unavailable)
    }

    /// Begins a scan at the next daemon that answers. Nothing of the stream needs to be read before.
    ///
    /// # Errors
    /// [`AntivirusError::Unavailable`] when none does.
    pub async fn begin(&self) -> Result<Scan, AntivirusError> {
        let address = self.answering().await?;
        Scan::begin(address, self.patience).await
    }

    /// Scans a whole stream on its exact bytes. A stream cannot be sent twice: a daemon lost in the middle is an error, and the caller
    /// who has the bytes scans again.
    ///
    /// # Errors
    /// When there is no verdict.
    pub async fn scan<S, E>(&self, stream: S) -> Result<Verdict, AntivirusError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let mut scan = self.begin().await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| AntivirusError::Source(error.to_string()))?;
            scan.feed(&bytes).await?;
        }
        scan.finish().await
    }

    async fn answering(&self) -> Result<&ClamdAddress, AntivirusError> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut reason = String::new();
        for offset in 0..self.pool.len() {
            let Some(address) = self.pool.get(first.wrapping_add(offset) % self.pool.len()) else { continue };
            match address.ping(self.patience.connect).await {
                Ok(()) => return Ok(address),
                Err(error) => reason = format!("{address}: {error}"),
            }
        }
        Err(AntivirusError::Unavailable(reason))
    }
}
