//! A 32-byte key in shares: any `threshold` of them give it back, fewer tell nothing about it (Shamir, over GF(256), polynomial 0x11b).
//!
//! A share is a line of Bech32m (BIP 350) that a person can copy by hand: `sceau1…` in clear, `sceausealed1…` sealed for its custodian. It says which
//! set it is of, which one, and how many it takes, so that a wrong or mixed share is told before the key is put together.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::recipient::SystemRandom;
use crate::{BlobError, Label, SealedBlob, Secret};

/// Most shares of one key.
pub const MOST: u8 = 99;
const VERSION: u8 = 1;
const CLEAR: Hrp = Hrp::parse_unchecked("sceau");
const SEALED: Hrp = Hrp::parse_unchecked("sceausealed");
/// Version, set, threshold, total, number.
const HEAD: usize = 1 + SetId::LENGTH + 3;
const SALT: usize = 16;
/// Characters between two spaces, groups in a line.
const GROUP: usize = 4;
const LINE: usize = 8;

crate::ids::hex_id! {
    /// Which key was split: drawn at random for each splitting.
    SetId, 8
}

impl SetId {
    /// Draws one.
    #[must_use]
    pub fn random() -> Self {
        Self::from_bytes(crate::random())
    }
}

/// Which share of which set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareHead {
    /// The set.
    pub set: SetId,
    /// How many open it.
    pub threshold: u8,
    /// How many were made.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

/// A share, in clear.
pub struct Share {
    head: ShareHead,
    value: Secret<32>,
}

/// A share as it is written.
#[derive(Debug)]
pub enum Written {
    /// In clear.
    Clear(Share),
    /// Sealed for its custodian.
    Sealed(SealedShare),
}

/// A share that a custodian's passphrase opens.
pub struct SealedShare {
    head: ShareHead,
    salt: [u8; SALT],
    blob: SealedBlob,
}

/// Why shares are not shares, or do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// A number that cannot be.
    #[error("of n shares, 2 to {MOST}, at least 2 and at most n must open the key")]
    Numbers,
    /// Not a share.
    #[error("this is no share: one begins with sceau1 or sceausealed1")]
    NotAShare,
    /// Copied wrongly.
    #[error("the share was copied wrongly: a character is wrong, missing or out of place")]
    Copied,
    /// Of a later version.
    #[error("the share is in format {0}, which this version does not know: upgrade")]
    Version(u8),
    /// Fewer than it takes.
    #[error("{given} of the {needed} shares that it takes")]
    TooFew {
        /// How many it takes.
        needed: u8,
        /// How many there are.
        given: u8,
    },
    /// Of another set.
    #[error("share {number} is of another backup, {found}, and not of {wanted}")]
    OtherSet {
        /// Which one.
        number: u8,
        /// Its set.
        found: SetId,
        /// The set of the others.
        wanted: SetId,
    },
    /// One is given twice.
    #[error("share {0} is given twice")]
    Twice(u8),
    /// The passphrase is wrong, or the share was altered.
    #[error("share {0} does not open: wrong passphrase, or altered")]
    Refused(u8),
}

impl ShareError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Numbers => "share_numbers",
            Self::NotAShare => "share_not_one",
            Self::Copied => "share_copied_wrongly",
            Self::Version(_) => "share_version",
            Self::TooFew { .. } => "share_too_few",
            Self::OtherSet { .. } => "share_of_another_backup",
            Self::Twice(_) => "share_twice",
            Self::Refused(_) => "share_refused",
        }
    }
}

/// Splits a key into `total` shares, of which any `threshold` give it back.
///
/// # Errors
/// [`ShareError::Numbers`].
pub fn split(secret: &Secret<32>, set: SetId, threshold: u8, total: u8) -> Result<Vec<Share>, ShareError> {
    if !(2..=total).contains(&threshold) || total > MOST {
        return Err(ShareError::Numbers);
    }
    let made = Gf256::split_bytes(threshold.into(), total.into(), secret.expose(), SystemRandom);
    let made = made.map_err(|_| ShareError::Numbers)?.into_iter().map(Zeroizing::new);
    made.map(|bytes| {
        let (number, value) = bytes.split_first().ok_or(ShareError::Numbers)?;
        let head = ShareHead { set, threshold, total, number: *number };
        Ok(Share { head, value: Secret::from_slice(value).map_err(|_| ShareError::Numbers)? })
    })
    .collect()
}

/// Puts the key together again.
///
/// # Errors
/// [`ShareError`], which names the share that does not belong.
pub fn combine(shares: &[Share]) -> Result<Secret<32>, ShareError> {
    let Some(first) = shares.first().map(|share| share.head) else {
        return Err(ShareError::TooFew { needed: 2, given: 0 });
    };
    for (at, Share { head, .. }) in shares.iter().enumerate() {
        let of_one = head.set == first.set && head.threshold == first.threshold && head.total == first.total;
        if !of_one {
            return Err(ShareError::OtherSet { number: head.number, found: head.set, wanted: first.set });
        }
        if shares.iter().take(at).any(|before| before.head.number == head.number) {
            return Err(ShareError::Twice(head.number));
        }
    }
    let given = u8::try_from(shares.len()).unwrap_or(u8::MAX);
    if given < first.threshold {
        return Err(ShareError::TooFew { needed: first.threshold, given });
    }
    let points = shares.iter().take(first.threshold.into()).map(Share::point);
    let secret = Gf256::combine_bytes(points.collect::<Vec<_>>()).map_err(|_| ShareError::Copied)?;
    Secret::from_slice(&Zeroizing::new(secret)).map_err(|_| ShareError::Copied)
}

/// Reads a share, whatever spaces, line ends and capitals it was copied with. Lines that begin with `#` are for people.
///
/// # Errors
/// [`ShareError::NotAShare`], [`ShareError::Copied`], [`ShareError::Version`].
pub fn read(text: &str) -> Result<Written, ShareError> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut written = Zeroizing::new(String::with_capacity(text.len()));
    written.extend(lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()));
    if !written.starts_with("sceau1") && !written.starts_with("sceausealed1") {
        return Err(ShareError::NotAShare);
    }
    let checked = CheckedHrpstring::new::<Bech32m>(&written).map_err(|_| ShareError::Copied)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(written.len()));
    bytes.extend(checked.byte_iter());
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or(ShareError::Copied)?;
    let head = ShareHead::parse(head)?;
    if checked.hrp() == CLEAR {
        let value = Secret::from_slice(rest).map_err(|_| ShareError::Copied)?;
        return Ok(Written::Clear(Share { head, value }));
    }
    let (salt, blob) = rest.split_at_checked(SALT).ok_or(ShareError::Copied)?;
    let blob = SealedBlob::from_bytes(blob.to_vec()).map_err(|_| ShareError::Copied)?;
    Ok(Written::Sealed(SealedShare { head, salt: salt.try_into().map_err(|_| ShareError::Copied)?, blob }))
}

impl ShareHead {
    fn parse(bytes: &[u8]) -> Result<Self, ShareError> {
        let [version, a, b, c, d, e, f, g, h, threshold, total, number] =
            bytes.try_into().map_err(|_| ShareError::Copied)?;
        if version != VERSION {
            return Err(ShareError::Version(version));
        }
        let set = SetId::from_bytes([a, b, c, d, e, f, g, h]);
        let fits = (2..=total).contains(&threshold) && total <= MOST && (1..=total).contains(&number);
        if fits { Ok(Self { set, threshold, total, number }) } else { Err(ShareError::Copied) }
    }

    fn to_bytes(self) -> [u8; HEAD] {
        let [a, b, c, d, e, f, g, h] = *self.set.as_bytes();
        [VERSION, a, b, c, d, e, f, g, h, self.threshold, self.total, self.number]
    }
}

impl Share {
    /// Which one it is.
    #[must_use]
    pub fn head(&self) -> ShareHead {
        self.head
    }

    /// What may be known of it: tells this share from any other, and nothing about the key.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Label::Share.hash(&[&self.head.to_bytes(), self.value.expose()])
    }

    /// As it is written, in groups of four characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + 32));
        bytes.extend_from_slice(&self.head.to_bytes());
        bytes.extend_from_slice(self.value.expose());
        grouped(CLEAR, &bytes)
    }

    /// Seals it under the key that `derive` makes of a salt and the custodian's passphrase.
    ///
    /// # Errors
    /// Those of `derive`.
    pub fn seal<E>(
        &self,
        derive: impl FnOnce(&[u8; SALT]) -> Result<Secret<32>, E>,
    ) -> Result<SealedShare, E> {
        let salt = crate::random();
        let blob =
            SealedBlob::seal(&derive(&salt)?, Label::Share, &self.head.to_bytes(), self.value.expose());
        Ok(SealedShare { head: self.head, salt, blob })
    }

    fn point(&self) -> Vec<u8> {
        let mut point = Vec::with_capacity(33);
        point.push(self.head.number);
        point.extend_from_slice(self.value.expose());
        point
    }
}

impl SealedShare {
    /// Which one it is.
    #[must_use]
    pub fn head(&self) -> ShareHead {
        self.head
    }

    /// As it is written, in groups of four characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        grouped(SEALED, &[&self.head.to_bytes()[..], &self.salt, self.blob.as_bytes()].concat())
    }

    /// Opens it with the key that `derive` makes of its salt.
    ///
    /// # Errors
    /// [`ShareError::Refused`], and those of `derive`.
    pub fn open<E: From<ShareError>>(
        &self,
        derive: impl FnOnce(&[u8; SALT]) -> Result<Secret<32>, E>,
    ) -> Result<Share, E> {
        let refused = ShareError::Refused(self.head.number);
        let value = self.blob.open(&derive(&self.salt)?, Label::Share, &self.head.to_bytes());
        let value = value.map_err(|_: BlobError| refused)?;
        Ok(Share { head: self.head, value: Secret::from_slice(value.expose()).map_err(|_| refused)? })
    }
}

fn grouped(hrp: Hrp, bytes: &[u8]) -> Zeroizing<String> {
    #[expect(clippy::expect_used, reason = "a share is far shorter than Bech32m's limit")]
    let text = Zeroizing::new(bech32::encode::<Bech32m>(hrp, bytes).expect("short"));
    let mut grouped = Zeroizing::new(String::with_capacity(2 * text.len()));
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % GROUP == 0 {
            grouped.push(if at % (GROUP * LINE) == 0 { '\n' } else { ' ' });
        }
        grouped.push(character);
    }
    grouped
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Share({} of {}, redacted)", self.head.number, self.head.set)
    }
}

impl std::fmt::Debug for SealedShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedShare({} of {})", self.head.number, self.head.set)
    }
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
