//! Sealing and sending one file: one thread reads and seals, a few parts are on their way, and a cut connection is waited for.

use std::io::Read;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt as _;
use sceau_crypto::envelope::{Metadata, NewEnvelope, SealError, StreamLayout};
use sceau_crypto::{FileId, RecipientKey};
use sceau_element_api::DossierId;
use sceau_element_api::documents::SealedFile;
use sceau_trace::Hash;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Parcel, Step};
use crate::{ClientError, Server};

/// Parts on their way at once.
const AT_ONCE: usize = 4;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Hears of each step, from whichever request.
pub(super) struct Teller<'a>(Mutex<&'a mut (dyn FnMut(Step<'_>) + Send)>);

impl<'a> Teller<'a> {
    pub(super) fn new(step: &'a mut (dyn FnMut(Step<'_>) + Send)) -> Self {
        Self(Mutex::new(step))
    }

    pub(super) fn tell(&self, step: Step<'_>) {
        if let Ok(mut tell) = self.0.lock() {
            tell(step);
        }
    }
}

/// A part, sealed, on its way.
struct SealedPart {
    index: u32,
    bytes: Vec<u8>,
    digest: [u8; 32],
    plaintext: u64,
}

/// Seals `parcel` under a new key and sends it, header first.
pub(super) async fn send(
    server: &Server,
    teller: &Teller<'_>,
    patience: Duration,
    (dossier, file): (DossierId, FileId),
    key: &RecipientKey,
    parcel: &Parcel,
) -> Result<SealedFile, ClientError> {
    let metadata = Metadata::new(&parcel.name, &parcel.media_type).map_err(failed)?;
    let envelope = NewEnvelope::create_for_file(file, metadata, std::slice::from_ref(key)).map_err(failed)?;
    let path = format!("/v1/dossiers/{dossier}/files/{file}");
    let header = envelope.header.as_bytes().to_vec();
    let digest = sceau_crypto::sha256(&header);
    let to = format!("{path}/header");
    patiently(teller, patience, || server.put_bytes(&to, header.clone(), &digest)).await?;
    let (give, mut take) = mpsc::channel(2);
    let source = parcel.content.reader()?;
    let label = parcel.content.label();
    let sealing = tokio::task::spawn_blocking(move || seal(envelope, source, &label, &give));
    let parts = futures::stream::poll_fn(move |context| take.poll_recv(context));
    let sent = parts.map(|part: SealedPart| {
        let to = format!("{path}/parts/{}", part.index);
        async move {
            let SealedPart { bytes, digest, plaintext, .. } = part;
            let bytes = bytes::Bytes::from(bytes);
            patiently(teller, patience, || server.put_bytes(&to, bytes.clone(), &digest)).await?;
            Ok::<u64, ClientError>(plaintext)
        }
    });
    let mut sent = std::pin::pin!(sent.buffered(AT_ONCE));
    let mut done = 0;
    while let Some(plaintext) = sent.next().await {
        done += plaintext?;
        teller.tell(Step::Progress { name: &parcel.name, bytes: done });
    }
    let (envelope_hash, parts) = sealing.await.map_err(|_| ClientError::Answer)??;
    Ok(SealedFile { file_id: file, envelope_hash, size: done, parts })
}

/// Reads and seals to the end of `source`; the receiver's end stops it.
fn seal(
    mut envelope: NewEnvelope,
    mut source: impl Read,
    label: &str,
    give: &mpsc::Sender<SealedPart>,
) -> Result<(Hash, u32), ClientError> {
    let mut hasher = envelope.header.hasher();
    let mut read = |index: u32| {
        read_up_to(&mut source, StreamLayout::segment_size(index))
            .map_err(|cause| ClientError::File { path: label.to_owned(), cause })
    };
    let mut index = 0_u32;
    let mut segment = read(0)?;
    loop {
        let after = index.checked_add(1).ok_or(SealError::TooLarge).map_err(failed)?;
        let next = read(after)?;
        let last = next.is_empty();
        let bytes = envelope.sealer.seal_part(&segment, last).map_err(failed)?;
        let digest = hasher.part(&bytes);
        let part = SealedPart { index, bytes, digest, plaintext: segment.len() as u64 };
        // Where nobody takes it, the sending failed, and says why.
        let taken = give.blocking_send(part);
        if last || taken.is_err() {
            return Ok((Hash::from(*hasher.finish().as_bytes()), after));
        }
        segment = next;
        index = after;
    }
}

/// Up to `size` bytes; fewer only at the end.
fn read_up_to(source: &mut impl Read, size: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    source.by_ref().take(size as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Tries again while the connection or the server is away, for as long as `patience` since it last worked.
pub(super) async fn patiently<T, F>(
    teller: &Teller<'_>,
    patience: Duration,
    call: impl Fn() -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut pause = Duration::from_millis(500);
    let mut waited = Duration::ZERO;
    loop {
        match call().await {
            Err(error) if error.is_passing() && waited < patience => {
                teller.tell(Step::Waiting { error: &error, seconds: pause.as_secs().max(1) });
                tokio::time::sleep(pause).await;
                waited += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
}

pub(super) fn failed(error: SealError) -> ClientError {
    ClientError::Envelope(error.to_string())
}
