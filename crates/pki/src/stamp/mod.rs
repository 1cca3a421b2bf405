//! Time stamps of an authority (RFC 3161): the request, the answer as it is believed, and a token that was kept.
//!
//! A token says that the bytes with this hash existed at that time, on the word of an authority whose certificate is for that alone. Whether the certificate was revoked since
//! is not looked at: a list of the time belongs beside the token.

mod refusal;
mod request;
mod signer;
mod token;

pub use refusal::StampRefusal;
pub use request::{STAMP_SKEW, StampRequest, TimeStamp};

/// The longest response or token that is read: a token has a few certificates at most.
const LONGEST: usize = 64 << 10;

/// id-ct-TSTInfo (RFC 3161 §2.4.2).
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
/// id-kp-timeStamping (RFC 3161 §2.3).
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
