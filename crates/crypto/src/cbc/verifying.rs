//! A message before anything of it is decrypted: taken in, and compared with what was signed.

use super::{FIXED, Head, MOST_WRAPPED, PART, Refused};
use crate::{Sha256, sha256};

/// A message as it comes in, up to its signature. Nothing of it is decrypted.
pub struct Unverified {
    /// What may be the head, as far as it came.
    begins: Vec<u8>,
    whole: Sha256,
    /// The part that is coming in, and how much of it came.
    part: Sha256,
    filled: usize,
    parts: Vec<[u8; 32]>,
}

/// A message that is the one that was signed: its head, and what each of its parts is.
pub struct Verified {
    head: Head,
    /// Of the head, in bytes.
    pub(super) start: usize,
    /// SHA-256 of each part of [`PART`] bytes: 32 bytes for each mebibyte.
    pub(super) parts: Vec<[u8; 32]>,
}

impl Unverified {
    /// One of which nothing came yet.
    #[must_use]
    pub fn begin() -> Self {
        let hash = Sha256::new;
        Self { begins: Vec::new(), whole: hash(), part: hash(), filled: 0, parts: Vec::new() }
    }

    /// Takes more of it in, cut anyhow.
    pub fn update(&mut self, message: &[u8]) {
        let wanted = (FIXED + MOST_WRAPPED).saturating_sub(self.begins.len());
        self.begins.extend(message.iter().take(wanted));
        self.whole.update(message);
        let mut rest = message;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(PART - self.filled));
            self.part.update(piece);
            self.filled += piece.len();
            if self.filled == PART {
                self.end_part();
            }
            rest = after;
        }
    }

    /// What it is, all of it having come: the message of this datum and SHA-256, which a signature that was verified names.
    ///
    /// # Errors
    /// [`Refused`]: it is another.
    pub fn verified(mut self, datum: &[u8; 32], signed: &[u8; 32]) -> Result<Verified, Refused> {
        if self.filled > 0 {
            self.end_part();
        }
        let length = Head::length(self.begins.get(..FIXED).ok_or(Refused)?)?;
        let head = Head::parse(self.begins.get(..length).ok_or(Refused)?)?;
        if self.whole.finish() != *signed || head.datum != *datum {
            return Err(Refused);
        }
        Ok(Verified { head, start: length, parts: self.parts })
    }

    fn end_part(&mut self) {
        self.parts.push(std::mem::take(&mut self.part).finish());
        self.filled = 0;
    }
}

impl Verified {
    /// What it begins with.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether these bytes are its part of this number, from 0 on.
    pub(super) fn has(&self, number: usize, part: &[u8]) -> bool {
        self.parts.get(number).is_some_and(|expected| sha256(part) == *expected)
    }
}

impl std::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unverified({} parts)", self.parts.len())
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verified({:?}, {} parts)", self.head, self.parts.len())
    }
}
