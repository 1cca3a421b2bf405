//! Frames: a header that can be recognised by itself, a hash chained over all frames before, and a body.
//!
//! Header, 60 bytes: `"SCJF" ‖ batch (8) ‖ body length (4) ‖ check (8) ‖ chain (32) ‖ "body"`, integers big-endian. `check`
//! is the start of SHA-256 of the 16 bytes before it; `chain` is SHA-256 of the previous chain, those 16 bytes and the body.
//! Body: checkpoint length (4) ‖ checkpoint ‖ events. What is not text in a body is sealed, so that nobody chooses it, and a header
//! occurs in one by a chance of one in 2^128.

use std::ops::Range;

use sceau_crypto::Sha256;
use sceau_trace::Hash;

use crate::event::SealedEvent;

/// Bytes of a header.
pub(super) const HEADER: usize = 60;
/// The largest body: a batch never comes near.
pub(super) const MAX_BODY: usize = 256 << 20;

const START: &[u8; 4] = b"SCJF";
const END: &[u8; 4] = b"body";

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) batch: u64,
    pub(super) length: u32,
    pub(super) chain: Hash,
}

impl Header {
    /// The header of this body, after the frames that `previous` stands for; none when the body is too large.
    pub(super) fn new(batch: u64, body: &[u8], previous: &Hash) -> Option<Self> {
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_BODY)?;
        let chain = chain(previous, &prefix(batch, length), body);
        Some(Self { batch, length, chain })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let prefix = prefix(self.batch, self.length);
        let parts = [prefix.as_slice(), &check(&prefix), self.chain.as_bytes(), END];
        let concatenated = parts.iter().flat_map(|part| part.iter());
        bytes.iter_mut().zip(concatenated).for_each(|(place, byte)| *place = *byte);
        bytes
    }

    /// Reads a header; none when these bytes are not one.
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let (prefix, rest) = bytes.split_first_chunk::<16>()?;
        let (checked, rest) = rest.split_first_chunk::<8>()?;
        let (chain, end) = rest.split_first_chunk::<32>()?;
        let (start, numbers) = prefix.split_first_chunk::<4>()?;
        let (batch, length) = numbers.split_first_chunk::<8>()?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let whole = start == START && *checked == check(prefix) && end == END && length as usize <= MAX_BODY;
        whole.then(|| Self { batch: u64::from_be_bytes(*batch), length, chain: Hash::new(*chain) })
    }

    /// Whether this is the header of `body` after `previous`.
    pub(super) fn matches(&self, previous: &Hash, body: &[u8]) -> bool {
        self.chain == chain(previous, &prefix(self.batch, self.length), body)
    }
}

/// Where the next bytes that could start a header are.
pub(super) fn find_start(bytes: &[u8]) -> Option<usize> {
    bytes.windows(START.len()).position(|window| window == START)
}

/// Appends a body to `out`, and returns where in `out` the events are.
pub(super) fn encode_body(out: &mut Vec<u8>, events: &[SealedEvent], checkpoint: &str) -> Vec<Range<usize>> {
    let length = u32::try_from(checkpoint.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(checkpoint.as_bytes());
    events.iter().map(|event| event.encode(out)).collect()
}

/// A body that was read: its checkpoint, and its events with where in the body each is.
pub(super) type Body<'a> = (&'a str, Vec<(SealedEvent, Range<usize>)>);

/// Reads a body; none when it is not one.
pub(super) fn decode_body(body: &[u8]) -> Option<Body<'_>> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    let (checkpoint, mut rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let start = body.len() - rest.len();
        let event = SealedEvent::decode(&mut rest).ok()?;
        events.push((event, start..body.len() - rest.len()));
    }
    Some((std::str::from_utf8(checkpoint).ok()?, events))
}

fn prefix(batch: u64, length: u32) -> [u8; 16] {
    let mut prefix = [0; 16];
    let (start, numbers) = prefix.split_at_mut(4);
    let (first, second) = numbers.split_at_mut(8);
    start.copy_from_slice(START);
    first.copy_from_slice(&batch.to_be_bytes());
    second.copy_from_slice(&length.to_be_bytes());
    prefix
}

fn check(prefix: &[u8; 16]) -> [u8; 8] {
    let hash = sceau_crypto::sha256(prefix);
    let [a, b, c, d, e, f, g, h, ..] = hash;
    [a, b, c, d, e, f, g, h]
}

fn chain(previous: &Hash, prefix: &[u8; 16], body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(prefix);
    hash.update(body);
    Hash::new(hash.finish())
}
