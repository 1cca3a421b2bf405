//! The antivirus of the organisation, on files in clear.

use std::path::Path;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream;
use sceau_client::connector::{Scanned, Scanner};
use sceau_store::{Antivirus, AntivirusError, Verdict};
use tokio::io::AsyncReadExt as _;

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// A pool of ClamAV daemons.
pub(super) struct Clamd(pub(super) Antivirus);

impl Scanner for Clamd {
    fn scan<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Scanned> {
        async move {
            let file = match tokio::fs::File::open(path).await {
                Ok(file) => file,
                Err(error) => return Scanned::Unavailable(error.to_string()),
            };
            let chunks = stream::try_unfold(file, |mut file| async move {
                let mut chunk = vec![0; CHUNK];
                let read = file.read(&mut chunk).await?;
                chunk.truncate(read);
                Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
            });
            match self.0.scan(Box::pin(chunks)).await {
                Ok(Verdict::Clean) => Scanned::Clean,
                Ok(Verdict::Infected { name }) => Scanned::Infected(name),
                Err(AntivirusError::TooLarge) => Scanned::TooLarge,
                Err(error @ AntivirusError::Unavailable(_)) => Scanned::Unavailable(error.to_string()),
                Err(error) => Scanned::Failed(error.to_string()),
            }
        }
        .boxed()
    }
}
