//! The work on a body: its parts encrypted or decrypted in place, one after the other.
//!
//! It runs on the threads that answer calls, and lets others on after each part, a fraction of a millisecond. A part is copied once, from what the connection read;
//! what goes out is that copy.

use std::collections::VecDeque;

use axum::body::Bytes;
use bytes::BytesMut;
use sceau_crypto::Cek;
use sceau_crypto::envelope::{
    FIXED, Metadata, NewEnvelope, OpenError, PART, STREAM_HEADER, UnverifiedHeader,
};
use tokio::sync::oneshot;

use super::pipe::{Ended, Incoming, Outgoing};

/// Parts of which the memory is used again: one is worked on, one waits, and the connection writes one or two.
const PARTS: usize = 4;

/// Encrypts what comes in: an envelope goes out.
pub(super) async fn seal(
    envelope: NewEnvelope,
    mut incoming: Incoming,
    mut outgoing: Outgoing,
) -> Result<(), Ended> {
    let NewEnvelope { header, mut sealer } = envelope;
    let mut parts = Parts::default();
    let mut part = parts.take();
    part.extend_from_slice(header.as_bytes());
    part.extend_from_slice(sealer.stream_header());
    loop {
        let start = part.len();
        let last = incoming.fill(&mut part, start + sealer.segment_size()).await?;
        let tag = sealer.seal_segment(part.get_mut(start..).unwrap_or_default(), last)?;
        part.extend_from_slice(&tag);
        outgoing.send(parts.keep(part)).await?;
        if last {
            return Ok(());
        }
        part = parts.take();
    }
}

/// Decrypts an envelope that comes in, and tells name and type of what is in it before any of it goes out.
pub(super) async fn open(
    key: Cek,
    tell: oneshot::Sender<Metadata>,
    mut incoming: Incoming,
    mut outgoing: Outgoing,
) -> Result<(), Ended> {
    let mut head = BytesMut::with_capacity(4096);
    incoming.fill(&mut head, FIXED + 4).await?;
    let length = UnverifiedHeader::length(&head)?;
    incoming.fill(&mut head, length).await?;
    let header = UnverifiedHeader::parse(&head)?.open_with(key)?;
    let _ = tell.send(header.metadata().clone());
    head.clear();
    incoming.fill(&mut head, STREAM_HEADER).await?;
    let opener = header.opener(&head)?;
    let mut parts = Parts::default();
    for index in 0.. {
        let mut part = parts.take();
        let length = if index == 0 { PART - STREAM_HEADER } else { PART };
        let last = incoming.fill(&mut part, length).await?;
        let plaintext = opener.open_segment(index, last, &mut part)?.len();
        part.truncate(plaintext);
        outgoing.send(parts.keep(part)).await?;
        if last {
            return Ok(());
        }
    }
    Err(OpenError::StreamTooLong.into())
}

/// The memory of parts that went out, to be used again: new memory for each would take as long as its encryption.
#[derive(Default)]
struct Parts(VecDeque<Bytes>);

impl Parts {
    fn take(&mut self) -> BytesMut {
        let oldest = if self.0.len() < PARTS { None } else { self.0.pop_front() };
        match oldest.map(Bytes::try_into_mut) {
            Some(Ok(mut part)) => {
                part.clear();
                part
            }
            // Somebody still has it: it is theirs.
            Some(Err(_)) | None => BytesMut::with_capacity(PART),
        }
    }

    fn keep(&mut self, part: BytesMut) -> Bytes {
        let part = part.freeze();
        self.0.push_back(part.clone());
        part
    }
}
