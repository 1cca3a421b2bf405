//! Stands between an intake and its antivirus, and writes down when each verdict passed.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// A document's mark, which its first bytes hold: `deposit-000042`.
const MARK: &[u8] = b"deposit-";
const LONG: usize = 14;

/// When the clean verdict on each marked document passed.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdicts(Arc<Mutex<HashMap<String, Instant>>>);

impl Verdicts {
    /// Serves at `socket`, in front of the daemon at `daemon`, for as long as the runtime lives.
    pub(super) fn serve(socket: &Path, daemon: PathBuf) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let verdicts = Self::default();
        let all = verdicts.clone();
        tokio::spawn(async move {
            while let Ok((intake, _)) = listener.accept().await {
                let (verdicts, daemon) = (all.clone(), daemon.clone());
                tokio::spawn(async move { drop(verdicts.pass(intake, &daemon).await) });
            }
        });
        Ok(verdicts)
    }

    /// When it passed.
    pub(super) fn at(&self, mark: &str) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(mark).copied()
    }

    async fn pass(&self, intake: UnixStream, daemon: &Path) -> io::Result<()> {
        let (mut from_intake, mut to_intake) = intake.into_split();
        let (mut from_daemon, mut to_daemon) = UnixStream::connect(daemon).await?.into_split();
        let head = Mutex::new(Vec::new());
        let there = async {
            let mut some = vec![0; 64 * 1024];
            loop {
                let read = from_intake.read(&mut some).await?;
                let bytes = some.get(..read).unwrap_or_default();
                {
                    let mut head = head.lock().unwrap_or_else(PoisonError::into_inner);
                    if head.len() < 512 {
                        head.extend_from_slice(bytes);
                    }
                }
                if read == 0 {
                    return to_daemon.shutdown().await;
                }
                to_daemon.write_all(bytes).await?;
            }
        };
        let back = async {
            let mut some = [0; 1024];
            loop {
                let read = from_daemon.read(&mut some).await?;
                let bytes = some.get(..read).unwrap_or_default();
                if bytes.starts_with(b"stream: OK") {
                    self.note(&head.lock().unwrap_or_else(PoisonError::into_inner));
                }
                if read == 0 {
                    return to_intake.shutdown().await;
                }
                to_intake.write_all(bytes).await?;
            }
        };
        // The daemon's last word ends it, whichever way the intake holds its own end.
        tokio::select! {
            ended = back => ended,
            Err(error) = there => Err(error),
        }
    }

    fn note(&self, head: &[u8]) {
        let mark = head.windows(LONG).find(|window| window.starts_with(MARK));
        if let Some(mark) = mark {
            let mark = String::from_utf8_lossy(mark).into_owned();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(mark, Instant::now());
        }
    }
}
