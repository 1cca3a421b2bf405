//! One stream on its way to one daemon.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{AntivirusError, ClamdAddress, Patience, Verdict, answer};

/// The longest chunk that is sent at once: the daemon's own buffers are of this order.
const CHUNK: usize = 64 * 1024;
/// How long an answer is awaited from a daemon that closed in our face: it is there already, or it is not.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A scan under way. Dropped before its end, it leaves nothing: the daemon forgets a stream that is cut.
#[derive(Debug)]
pub struct Scan {
    wire: Wire,
    patience: Patience,
}

impl Scan {
    pub(super) async fn begin(address: &ClamdAddress, patience: Patience) -> Result<Self, AntivirusError> {
        let unavailable = |error: io::Error| AntivirusError::Unavailable(format!("{address}: {error}"));
        let begun = async {
            let mut wire = address.connect().await?;
            wire.write_all(b"zINSTREAM\0").await?;
            Ok(wire)
        };
        let late = || io::Error::from(io::ErrorKind::TimedOut);
        let wire = timeout(patience.connect, begun).await.unwrap_or_else(|_| Err(late()));
        Ok(Self { wire: wire.map_err(unavailable)?, patience })
    }

    /// Sends the next bytes; returns when the daemon took them, so that a slow daemon slows the sender down.
    ///
    /// # Errors
    /// When the daemon takes no more: the scan is over then, without a verdict.
    pub async fn feed(&mut self, bytes: &[u8]) -> Result<(), AntivirusError> {
        for chunk in bytes.chunks(CHUNK) {
            let length = u32::try_from(chunk.len()).map_err(|_| AntivirusError::Garbage)?;
            let length = length.to_be_bytes();
            let sent = async {
                self.wire.write_all(&length).await?;
                self.wire.write_all(chunk).await
            };
            match timeout(self.patience.progress, sent).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(self.last_word().await),
                Err(_) => return Err(AntivirusError::Late),
            }
        }
        Ok(())
    }

    /// Ends the stream and waits for the verdict on the whole of it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn finish(mut self) -> Result<Verdict, AntivirusError> {
        // An answer that is there before the end was sent cannot be about the whole.
        if self.wire.has_spoken() {
            return Err(self.last_word().await);
        }
        match timeout(self.patience.progress, self.wire.write_all(&[0; 4])).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(self.last_word().await),
            Err(_) => return Err(AntivirusError::Late),
        }
        let answered = timeout(self.patience.verdict, self.wire.read_answer()).await;
        let bytes = answered.map_err(|_| AntivirusError::Late)?.map_err(|_| AntivirusError::Lost)?;
        answer::verdict(&bytes)
    }

    /// Why the daemon stopped before the end; a verdict that it gives now is none.
    async fn last_word(&mut self) -> AntivirusError {
        match timeout(LAST_WORD, self.wire.read_answer()).await {
            Ok(Ok(bytes)) => match answer::verdict(&bytes) {
                Ok(_) => AntivirusError::Garbage,
                Err(error) => error,
            },
            _ => AntivirusError::Lost,
        }
    }
}

/// What the daemon at `address` answers to a command without a stream, its zero byte taken off.
pub(super) async fn ask(address: &ClamdAddress, command: &[u8], patience: Duration) -> io::Result<String> {
    let asked = async {
        let mut wire = address.connect().await?;
        wire.write_all(command).await?;
        let mut answer = wire.read_answer().await?;
        if answer.pop() != Some(0) {
            return Err(io::Error::other("its answer has no end"));
        }
        String::from_utf8(answer).map_err(|_| io::Error::other("its answer is no text"))
    };
    timeout(patience, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A connection of either kind.
#[derive(Debug)]
pub(super) enum Wire {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Wire {
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.write_all(bytes).await,
            Self::Tcp(stream) => stream.write_all(bytes).await,
        }
    }

    /// One answer: up to its zero byte, the end of the connection, or the longest that there is.
    async fn read_answer(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut some = [0; answer::LONGEST];
        while bytes.len() < answer::LONGEST && !bytes.contains(&0) {
            let read = match self {
                Self::Unix(stream) => stream.read(&mut some).await,
                Self::Tcp(stream) => stream.read(&mut some).await,
            };
            match read {
                Ok(0) => break,
                Ok(length) => bytes.extend_from_slice(some.get(..length).unwrap_or_default()),
                // A daemon that closes on bytes that it did not read resets the connection: what it said before stands.
                Err(error) if bytes.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(bytes)
    }

    /// Whether the daemon wrote something or closed.
    fn has_spoken(&self) -> bool {
        let mut byte = [0];
        let peeked = match self {
            Self::Unix(stream) => peek(stream, &mut byte),
            Self::Tcp(stream) => peek(stream, &mut byte),
        };
        !matches!(peeked, Err(error) if error == rustix::io::Errno::WOULDBLOCK || error == rustix::io::Errno::AGAIN)
    }
}

/// Looks at the first byte that waits, without taking it.
fn peek(socket: impl std::os::fd::AsFd, byte: &mut [u8]) -> Result<usize, rustix::io::Errno> {
    use rustix::net::RecvFlags;
    rustix::net::recv(socket, byte, RecvFlags::PEEK | RecvFlags::DONTWAIT).map(|(_, length)| length)
}
