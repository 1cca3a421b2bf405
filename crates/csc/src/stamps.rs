//! The authority of time stamps.

use crate::asking::Later;

/// No time stamp.
#[derive(Debug, thiserror::Error)]
#[error("no time stamp: {0}")]
pub struct Unstamped(pub String);

/// An authority of time stamps (RFC 3161), whose tokens are judged before they are given out.
pub trait Stamps: Send + Sync + 'static {
    /// A token over this SHA-256, with this nonce: its DER.
    fn stamp(&self, imprint: [u8; 32], nonce: [u8; 16]) -> Later<'_, Result<Vec<u8>, Unstamped>>;
}
