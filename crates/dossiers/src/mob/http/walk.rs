//! The walk through a form: part by part, one chunk in memory, from a sender that keeps up.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::time::{Instant, timeout};

use super::refusal::{Answer, Code};
use super::upload::{LARGEST, MOST_FILES};
use crate::intake::{Pace, Slowest};

/// The longest text part, in bytes.
const LONGEST_TEXT: usize = 16 * 1024;
/// The most bytes that may come before a part's header ends.
const MOST_UNREAD: usize = 256 * 1024;

/// A form under way.
pub(super) struct Walk {
    form: Multipart<'static>,
    pub(super) sender: Sender,
}

/// A part of a form.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and most are files")]
pub(super) enum FormPart {
    /// A file, with its name as it was sent; its bytes are still to come.
    File(String, Field<'static>),
    /// What the form says beside its files: the id of the metadata that go with them, if it names one.
    Data(Option<String>),
}

impl Walk {
    /// Through a body, whose parts this boundary divides, from a sender that may be so slow.
    pub(super) fn through(body: BodyDataStream, boundary: String, slowest: Slowest) -> Self {
        let whole = SizeLimit::new().whole_stream(MOST_FILES as u64 * LARGEST + (1 << 20));
        let constraints = Constraints::new().size_limit(whole);
        let heard = Heard::default();
        let body = OneByOne { body, given: false, heard: heard.clone() };
        let form = Multipart::with_constraints(body, boundary, constraints);
        Self { form, sender: Sender { heard, pace: Pace::new(slowest) } }
    }

    /// The next part that says something; none at the end of the form.
    ///
    /// # Errors
    /// What is no form, too large or too slow.
    pub(super) async fn next(&mut self) -> Answer<Option<FormPart>> {
        while let Some(field) = self.sender.next(self.form.next_field()).await? {
            if let Some(name) = field.file_name().map(str::to_owned) {
                return Ok(Some(FormPart::File(name, field)));
            }
            let is_data = field.name() == Some("data");
            let text = text(&mut self.sender, field).await?;
            if is_data {
                return Ok(Some(FormPart::Data(metadata_id(&text)?)));
            }
        }
        Ok(None)
    }
}

/// What was read of a body.
#[derive(Debug, Clone, Default)]
struct Heard {
    /// Bytes of which nothing came out of the parser yet.
    unread: Arc<AtomicUsize>,
    /// All bytes.
    taken: Arc<AtomicU64>,
}

/// Whoever sends a body.
pub(super) struct Sender {
    heard: Heard,
    pace: Pace,
}

/// The stream of a body that gives one chunk each time it is asked: a parser that reads whatever is there would hold a whole fast upload. One
/// that reads on and on and finds nothing, in a header without an end, is cut off.
struct OneByOne {
    body: BodyDataStream,
    given: bool,
    heard: Heard,
}

impl Stream for OneByOne {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.heard.unread.load(Ordering::Relaxed) > MOST_UNREAD {
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(
                "a part has no end of its header",
            )))));
        }
        let next = self.body.poll_next_unpin(context);
        self.given = matches!(next, Poll::Ready(Some(_)));
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.heard.unread.fetch_add(bytes.len(), Ordering::Relaxed);
            self.heard.taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        next
    }
}

impl Sender {
    /// The next of a form, from a sender that keeps up.
    pub(super) async fn next<T>(
        &mut self,
        asked: impl Future<Output = multer::Result<Option<T>>>,
    ) -> Answer<Option<T>> {
        let allowed = self.pace.allows(self.heard.taken.load(Ordering::Relaxed)).ok_or(Code::TooSlow)?;
        let since = Instant::now();
        let asked = timeout(allowed, asked).await;
        self.pace.listened(since.elapsed());
        self.heard.unread.store(0, Ordering::Relaxed);
        match asked {
            Ok(Ok(next)) => Ok(next),
            Ok(Err(multer::Error::StreamSizeExceeded { .. })) => Err(Code::FileSize.into()),
            Ok(Err(_)) => Err(Code::Multipart.into()),
            Err(_) => Err(Code::TooSlow.into()),
        }
    }
}

/// A part that is no file.
async fn text(sender: &mut Sender, mut field: Field<'static>) -> Answer<Vec<u8>> {
    let mut text = Vec::new();
    while let Some(bytes) = sender.next(field.chunk()).await? {
        if text.len() + bytes.len() > LONGEST_TEXT {
            return Err(Code::Multipart.into());
        }
        text.extend_from_slice(&bytes);
    }
    Ok(text)
}

/// What the part `data` of a form says: JSON, whose `metadataId` may be there.
pub(super) fn metadata_id(text: &[u8]) -> Result<Option<String>, Code> {
    #[derive(serde::Deserialize)]
    struct Data {
        #[serde(rename = "metadataId")]
        metadata: Option<String>,
    }
    if text.is_empty() {
        return Ok(None);
    }
    let data: Data = serde_json::from_slice(text).map_err(|_| Code::NotJson)?;
    Ok(data.metadata.filter(|id| !id.is_empty()))
}
