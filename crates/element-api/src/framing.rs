//! Frames on the socket: a length of 4 bytes, big-endian, then that many bytes of JSON, at most 1 MiB.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest frame body, in bytes.
pub const MAX_FRAME: usize = 1 << 20;

/// A frame cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The body exceeds [`MAX_FRAME`].
    #[error("a frame of {0} bytes exceeds the limit of {MAX_FRAME}")]
    TooLarge(usize),
    /// The value has no JSON form.
    #[error("the message cannot be written as JSON")]
    Unwritable,
    /// The connection failed or ended inside a frame.
    #[error("the connection failed")]
    Connection(#[from] io::Error),
}

/// Appends a message to `out` as one frame. On error `out` is as it was.
///
/// # Errors
/// When the message is too large.
pub fn write_frame(out: &mut BytesMut, message: &impl Serialize) -> Result<(), FrameError> {
    let start = out.len();
    out.put_u32(0);
    if serde_json::to_writer(out.writer(), message).is_err() {
        out.truncate(start);
        return Err(FrameError::Unwritable);
    }
    let length = out.len() - start - 4;
    match (u32::try_from(length), out.get_mut(start..start + 4)) {
        (Ok(prefix), Some(place)) if length <= MAX_FRAME => {
            place.copy_from_slice(&prefix.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(FrameError::TooLarge(length))
        }
    }
}

/// Takes the next whole frame out of `buffer`, if there is one.
///
/// # Errors
/// When it announces more than [`MAX_FRAME`] bytes: the connection cannot be followed further.
pub fn take_frame(buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLarge(length));
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Reads the next frame; none at an orderly end. `buffer` keeps what was read beyond it.
///
/// # Errors
/// When the connection fails, ends inside a frame, or announces too large a frame.
pub async fn read_frame(
    source: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, FrameError> {
    loop {
        if let Some(frame) = take_frame(buffer)? {
            return Ok(Some(frame));
        }
        if source.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(messages in proptest::collection::vec(".{0,40}", 0..8)) {
            let mut buffer = BytesMut::new();
            for message in &messages {
                write_frame(&mut buffer, message).unwrap();
            }
            for message in &messages {
                let frame = take_frame(&mut buffer).unwrap().unwrap();
                prop_assert_eq!(&serde_json::from_slice::<String>(&frame).unwrap(), message);
            }
            prop_assert!(take_frame(&mut buffer).unwrap().is_none());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = BytesMut::from(bytes.as_slice());
            while let Ok(Some(_)) = take_frame(&mut buffer) {}
        }
    }

    #[test]
    fn an_oversized_frame_is_refused_both_ways() {
        let mut out = BytesMut::from(&b"kept"[..]);
        assert!(matches!(write_frame(&mut out, &"x".repeat(MAX_FRAME)), Err(FrameError::TooLarge(_))));
        assert_eq!(&out[..], b"kept");
        let mut announced = BytesMut::from(&(MAX_FRAME as u32 + 1).to_be_bytes()[..]);
        assert!(matches!(take_frame(&mut announced), Err(FrameError::TooLarge(_))));
    }
}
