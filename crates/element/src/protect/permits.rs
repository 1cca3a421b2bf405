//! Permits that have a content signed: of one datum and of this run of the element, and each for the content that it is used for first. Pure.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sceau_crypto::{Label, Secret, hmac, hmac_verify};
use sceau_element_api::protect::DatumId;

/// How long a permit is good, in milliseconds: a day, and an hour. Longer than a service works on a body, unless it was told otherwise.
const PERMIT: u64 = 25 * 3600 * 1000;

/// A permit is its end (8 octets, Unix milliseconds), and the tag that makes it one (32).
pub(super) struct Permits {
    tag: Secret<32>,
    used: Arc<Mutex<Used>>,
}

/// Permits that were used and have not ended, with their signatures: about a kilobyte each.
#[derive(Default)]
struct Used {
    by: HashMap<DatumId, Use>,
    ends: BTreeSet<(u64, DatumId)>,
    /// The time up to which they were forgotten (Unix milliseconds). A clock that steps back brings no permit back.
    time: u64,
}

/// What a permit was used for.
struct Use {
    /// SHA-256 of the content.
    sha256: [u8; 32],
    /// When it came first, in Unix milliseconds.
    since: u64,
    signature: Signature,
}

enum Signature {
    None,
    UnderWay,
    /// The log has it that it was made.
    Recorded(Arc<str>),
}

/// What comes of a content that is brought with its permit.
pub(crate) enum Taken {
    /// It is to be signed, by this request alone.
    ToSign(Signing),
    /// It was, on record: no key is needed again.
    Signed(Arc<str>),
    /// Another request has it signed now.
    UnderWay,
}

/// A content that is being signed. Where this is dropped before there is a record of it, the next one who brings the same content has it signed.
pub(crate) struct Signing {
    used: Arc<Mutex<Used>>,
    datum: DatumId,
    /// When the content came first, in Unix milliseconds.
    pub(crate) since: u64,
}

impl Signing {
    /// The log has this signature.
    pub(crate) fn recorded(self, signature: &str) {
        self.becomes(Signature::Recorded(signature.into()));
    }

    fn becomes(&self, signature: Signature) {
        if let Some(of) = locked(&self.used).by.get_mut(&self.datum) {
            of.signature = signature;
        }
    }
}

impl Drop for Signing {
    fn drop(&mut self) {
        let mut used = locked(&self.used);
        if let Some(of) =
            used.by.get_mut(&self.datum).filter(|of| matches!(of.signature, Signature::UnderWay))
        {
            of.signature = Signature::None;
        }
    }
}

fn locked(used: &Mutex<Used>) -> MutexGuard<'_, Used> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Permits {
    /// Of a run that begins.
    pub(super) fn new() -> Self {
        Self { tag: Secret::random(), used: Arc::default() }
    }

    pub(super) fn give(&self, datum: &DatumId, now: u64) -> Vec<u8> {
        let ends = now.saturating_add(PERMIT).to_be_bytes();
        [ends.as_slice(), &hmac(self.tag.expose(), &admitted(datum, &ends))].concat()
    }

    /// Whether a permit is of this datum, and has not ended.
    pub(super) fn admit(&self, datum: &DatumId, permit: &[u8], now: u64) -> bool {
        self.end(datum, permit).is_some_and(|ends| now.max(self.used().time) < ends)
    }

    /// Uses a permit up for this content. Who brings the same one again gets what came of it; none where the permit does not count, or was for another.
    pub(super) fn take(&self, datum: &DatumId, permit: &[u8], sha256: [u8; 32], now: u64) -> Option<Taken> {
        let ends = self.end(datum, permit)?;
        let mut used = self.used();
        used.forget(now);
        if ends <= used.time {
            return None;
        }
        used.ends.insert((ends, *datum));
        let first = Use { sha256, since: now, signature: Signature::None };
        let of = used.by.entry(*datum).or_insert(first);
        if of.sha256 != sha256 {
            return None;
        }
        Some(match &of.signature {
            Signature::Recorded(signature) => Taken::Signed(Arc::clone(signature)),
            Signature::UnderWay => Taken::UnderWay,
            Signature::None => {
                of.signature = Signature::UnderWay;
                Taken::ToSign(Signing { used: Arc::clone(&self.used), datum: *datum, since: of.since })
            }
        })
    }

    /// When a permit of this datum ends.
    fn end(&self, datum: &DatumId, permit: &[u8]) -> Option<u64> {
        let (ends, tag) = permit.split_first_chunk::<8>()?;
        let tag = <&[u8; 32]>::try_from(tag).ok()?;
        let genuine = hmac_verify(self.tag.expose(), &admitted(datum, ends), tag);
        genuine.then_some(u64::from_be_bytes(*ends))
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        locked(&self.used)
    }
}

impl Used {
    fn forget(&mut self, now: u64) {
        self.time = self.time.max(now);
        while let Some((_, datum)) = self.ends.first().copied().filter(|(ends, _)| *ends <= self.time) {
            self.ends.pop_first();
            self.by.remove(&datum);
        }
    }
}

/// What a permit's tag is over: the label, the datum, and when it ends.
fn admitted<'a>(datum: &'a DatumId, ends: &'a [u8; 8]) -> [&'a [u8]; 4] {
    [Label::ContentPermit.as_str().as_bytes(), &[0], datum.as_bytes(), ends]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const ONE: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    #[test]
    fn a_permit_is_of_its_datum_and_ends() {
        let (permits, datum) = (Permits::new(), DatumId::random());
        let permit = permits.give(&datum, 1_000);
        assert!(permits.admit(&datum, &permit, 1_000) && permits.admit(&datum, &permit, 1_000 + PERMIT - 1));
        assert!(!permits.admit(&datum, &permit, 1_000 + PERMIT));
        assert!(!permits.admit(&DatumId::random(), &permit, 1_000));
        assert!(!Permits::new().admit(&datum, &permit, 1_000), "another run");
    }

    #[test]
    fn a_permit_is_for_the_content_that_came_first() {
        let (permits, datum) = (Permits::new(), DatumId::random());
        let permit = permits.give(&datum, 1_000);
        let to_sign = |now| match permits.take(&datum, &permit, ONE, now).unwrap() {
            Taken::ToSign(signing) => signing,
            _ => panic!("it is not to be signed"),
        };
        let first = to_sign(2_000);
        assert!(permits.take(&datum, &permit, OTHER, 2_001).is_none());
        assert!(matches!(permits.take(&datum, &permit, ONE, 2_001), Some(Taken::UnderWay)));
        // No record came of it: the same content may be signed, as of when it came first, and no other.
        drop(first);
        assert!(permits.take(&datum, &permit, OTHER, 2_001).is_none());
        let again = to_sign(3_000);
        assert_eq!(again.since, 2_000);
        again.recorded("signed");
        let told = permits.take(&datum, &permit, ONE, 9_000);
        assert!(matches!(told, Some(Taken::Signed(signature)) if &*signature == "signed"));
        // It is forgotten with its end, and is good no more, also where the clock is set back.
        assert!(permits.take(&datum, &permit, ONE, 1_000 + PERMIT).is_none());
        assert!(permits.used().by.is_empty() && permits.used().ends.is_empty());
        assert!(permits.take(&datum, &permit, OTHER, 2_000).is_none());
        assert!(!permits.admit(&datum, &permit, 2_000));
    }
}
