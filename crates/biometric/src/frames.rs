//! Frames as the element writes them (`sceau_element_api::framing`), on a thread that waits: a length of 4 bytes, big-endian, then that many bytes of JSON.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The longest frame, in bytes: a picture of the largest size, a template, and what is around them.
pub const LONGEST_FRAME: usize = 256 * 1024;

/// The conversation cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The connection failed, or ended within a frame.
    #[error("the connection to the element broke: {0}")]
    Connection(#[from] io::Error),
    /// A frame is longer than any that is taken.
    #[error("the element sent {0} bytes at once, more than this version takes")]
    TooLong(usize),
    /// A frame is not one of this conversation.
    #[error("the element sent what this version does not read: start the same version of both")]
    Malformed,
}

/// Reads the next frame; none at an orderly end.
///
/// # Errors
/// [`FrameError`].
pub fn read_frame<T: DeserializeOwned>(source: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    match source.read(&mut length)? {
        0 => return Ok(None),
        read => source.read_exact(length.get_mut(read..).unwrap_or_default())?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_FRAME {
        return Err(FrameError::TooLong(length));
    }
    let mut frame = Zeroizing::new(vec![0; length]);
    source.read_exact(&mut frame)?;
    serde_json::from_slice(&frame).map(Some).map_err(|_| FrameError::Malformed)
}

/// Writes a frame.
///
/// # Errors
/// [`FrameError`].
pub fn write_frame(sink: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    let json = serde_json::to_vec(message).map_err(|_| FrameError::Malformed)?;
    let length = u32::try_from(json.len()).map_err(|_| FrameError::TooLong(json.len()))?;
    let mut frame = Vec::with_capacity(4 + json.len());
    frame.extend(length.to_be_bytes());
    frame.extend(json);
    Ok(sink.write_all(&frame)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use proptest::prelude::*;
    use sceau_element_api::Base64Url;
    use sceau_keyring::{FaceAsk, FaceCall};

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_is_a_frame_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_frame::<FaceCall>(&mut &*bytes);
        }
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_and_a_long_one_takes_no_memory() {
        let call = FaceCall { call: 7, ask: FaceAsk::Session { context: Base64Url(vec![1; 16]) } };
        let mut written = Vec::new();
        write_frame(&mut written, &call).unwrap();
        let mut source = written.as_slice();
        assert_eq!(read_frame::<FaceCall>(&mut source).unwrap(), Some(call));
        assert!(read_frame::<FaceCall>(&mut source).unwrap().is_none());
        let long = read_frame::<FaceCall>(&mut [255; 8].as_slice());
        assert!(matches!(long, Err(FrameError::TooLong(_))));
    }
}
