//! Epochs of an organisation's keys. The salts of its data are sealed under the key of the present one; when data were erased, a next epoch begins,
//! the salts of all others are sealed anew under its key, and the key before is destroyed.
//!
//! What is kept in memory does not grow with the data: where the salts of a part of them are in the journal, in the order of their ids.

use std::collections::BTreeMap;

use sceau_element_api::protect::{DatumId, Happened, Kept};

/// What happens to an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It begins: new salts are sealed under its key from here on.
    Begun {
        /// How its key is kept, and those before it were.
        kept: Kept,
    },
    /// These salts were sealed under its key, in the order of their data's ids; none where all that there were are.
    Resealed(Vec<(DatumId, Vec<u8>)>),
    /// Its key was destroyed.
    Ended,
}

impl Turn {
    /// The salt of this datum, if it is one of those that were sealed anew.
    #[must_use]
    pub fn salt_of(&self, datum: &DatumId) -> Option<&[u8]> {
        let Self::Resealed(salts) = self else { return None };
        let at = salts.binary_search_by_key(datum, |(id, _)| *id).ok()?;
        salts.get(at).map(|(_, salt)| salt.as_slice())
    }
}

/// Where the present epoch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has the only key.
    Settled,
    /// Salts of the epoch before are being sealed anew.
    Resealing,
    /// They all were, and the key before is there still.
    Overlapping {
        /// When the last of them had been.
        since: Happened,
    },
}

/// The epochs of an organisation.
#[derive(Debug)]
pub struct Epochs {
    current: u32,
    phase: Phase,
    begun: Happened,
    /// The first erasure of a datum whose salt was sealed in this epoch.
    erased: Option<Happened>,
    /// Of the epoch before, while its key is there.
    erased_before: Option<Happened>,
    in_token_since: Option<u64>,
    ended: BTreeMap<u32, Happened>,
    /// Of the present epoch, and of the one before while they are sealed anew.
    parts: Vec<Part>,
    earlier: Vec<Part>,
}

/// Salts that one entry has.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: DatumId,
    last: DatumId,
    index: u64,
}

impl Default for Epochs {
    fn default() -> Self {
        let begun = Happened { time: 0, index: 0 };
        let (parts, earlier) = (Vec::new(), Vec::new());
        Self {
            current: 1,
            phase: Phase::Settled,
            begun,
            erased: None,
            erased_before: None,
            in_token_since: None,
            ended: BTreeMap::new(),
            parts,
            earlier,
        }
    }
}

impl Epochs {
    /// The present one, from 1.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.current
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When it began.
    #[must_use]
    pub fn begun(&self) -> Happened {
        self.begun
    }

    /// The first erasure of a datum whose salt was sealed in this epoch.
    #[must_use]
    pub fn first_erasure(&self) -> Option<Happened> {
        self.erased
    }

    /// The first erasure of a datum that waits for the end of a key.
    #[must_use]
    pub fn waiting(&self) -> Option<Happened> {
        self.erased_before.or(self.erased)
    }

    /// Since when (Unix milliseconds) each epoch has had a key that was made in a token, by what the epochs' records say: none of the first one.
    #[must_use]
    pub fn in_token_since(&self) -> Option<u64> {
        self.in_token_since
    }

    /// When the key of an epoch had been destroyed.
    #[must_use]
    pub fn ended(&self, epoch: u32) -> Option<Happened> {
        self.ended.get(&epoch).copied()
    }

    /// The last datum whose salt was sealed anew in this epoch.
    #[must_use]
    pub fn last_resealed(&self) -> Option<DatumId> {
        self.parts.last().map(|part| part.last)
    }

    /// Entries after `index` that may have the datum's salt, the last one first.
    pub fn resealed(&self, datum: DatumId, index: u64) -> impl Iterator<Item = u64> {
        let of = |parts: &[Part]| {
            let at = parts.partition_point(|part| part.last < datum);
            let part = parts.get(at).filter(|part| part.first <= datum && part.index > index);
            part.map(|part| part.index)
        };
        of(&self.parts).into_iter().chain(of(&self.earlier))
    }

    /// A datum of this epoch was erased.
    pub(super) fn erase(&mut self, at: Happened) {
        self.erased.get_or_insert(at);
    }

    /// Takes a turn; none where it does not follow.
    pub(super) fn take(&mut self, epoch: u32, turn: &Turn, at: Happened) -> Option<()> {
        match (turn, self.phase) {
            (Turn::Begun { kept }, Phase::Settled) if Some(epoch) == self.current.checked_add(1) => {
                self.earlier = std::mem::take(&mut self.parts);
                (self.current, self.phase) = (epoch, Phase::Resealing);
                self.erased_before = self.erased.take();
                self.begun = at;
                self.in_token_since = match kept {
                    Kept::Token => Some(0),
                    Kept::Either => self.in_token_since.or(Some(at.time)),
                    _ => None,
                };
                Some(())
            }
            (Turn::Resealed(salts), Phase::Resealing) if epoch == self.current => {
                let (Some((first, _)), Some((last, _))) = (salts.first(), salts.last()) else {
                    self.phase = Phase::Overlapping { since: at };
                    self.earlier = Vec::new();
                    return Some(());
                };
                let ordered = salts.is_sorted_by(|(one, _), (next, _)| one < next);
                if !ordered || self.last_resealed().is_some_and(|before| before >= *first) {
                    return None;
                }
                self.parts.push(Part { first: *first, last: *last, index: at.index });
                Some(())
            }
            (Turn::Ended, Phase::Overlapping { .. }) if Some(epoch) == self.current.checked_sub(1) => {
                (self.phase, self.erased_before) = (Phase::Settled, None);
                self.ended.insert(epoch, at);
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: Turn = Turn::Begun { kept: Kept::Files };

    fn id(byte: u8) -> DatumId {
        [byte; 32].into()
    }

    fn at(index: u64) -> Happened {
        Happened { time: index * 10, index }
    }

    fn part(ids: &[u8]) -> Turn {
        Turn::Resealed(ids.iter().map(|byte| (id(*byte), vec![*byte])).collect())
    }

    #[test]
    fn a_part_has_the_salts_of_its_data() {
        let turn = part(&[2, 4]);
        assert_eq!((turn.salt_of(&id(2)), turn.salt_of(&id(4))), (Some(&[2][..]), Some(&[4][..])));
        for byte in [1, 3, 5] {
            assert_eq!(turn.salt_of(&id(byte)), None);
        }
        assert_eq!(BEGUN.salt_of(&id(2)), None);
    }

    #[test]
    fn an_epoch_goes_its_way_and_no_other() {
        let mut epochs = Epochs::default();
        epochs.erase(at(3));
        epochs.erase(at(4));
        assert_eq!((epochs.current(), epochs.first_erasure()), (1, Some(at(3))));
        for (epoch, turn) in [(1, BEGUN), (3, BEGUN), (2, part(&[1])), (1, Turn::Ended), (0, Turn::Ended)] {
            assert_eq!(epochs.take(epoch, &turn, at(5)), None, "{turn:?}");
        }
        assert_eq!(epochs.take(2, &BEGUN, at(6)), Some(()));
        assert_eq!((epochs.current(), epochs.phase(), epochs.first_erasure()), (2, Phase::Resealing, None));
        epochs.erase(at(6));
        assert_eq!(epochs.waiting(), Some(at(3)), "its key is there still");
        assert_eq!(epochs.take(1, &Turn::Ended, at(7)), None, "salts are left under it");
        assert_eq!(epochs.take(2, &part(&[1, 4]), at(7)), Some(()));
        for turn in [part(&[4]), part(&[3]), part(&[6, 5]), part(&[5, 5])] {
            assert_eq!(epochs.take(2, &turn, at(8)), None, "{turn:?}");
        }
        assert_eq!(epochs.take(2, &part(&[5, 9]), at(8)), Some(()));
        assert_eq!(epochs.last_resealed(), Some(id(9)));
        assert_eq!(epochs.take(2, &part(&[]), at(9)), Some(()));
        assert_eq!(epochs.phase(), Phase::Overlapping { since: at(9) });
        assert_eq!(epochs.take(2, &part(&[10]), at(10)), None);
        assert_eq!(epochs.take(3, &BEGUN, at(10)), None, "one before is there still");
        assert_eq!(epochs.take(1, &Turn::Ended, at(10)), Some(()));
        assert_eq!((epochs.phase(), epochs.ended(1), epochs.ended(2)), (Phase::Settled, Some(at(10)), None));
        assert_eq!(epochs.waiting(), Some(at(6)));

        let found = |epochs: &Epochs, datum, index| epochs.resealed(id(datum), index).collect::<Vec<_>>();
        assert_eq!(found(&epochs, 1, 0), [7]);
        assert_eq!(found(&epochs, 5, 7), [8]);
        assert!(found(&epochs, 5, 8).is_empty(), "its row is newer");
        assert!(found(&epochs, 0, 0).is_empty() && found(&epochs, 10, 0).is_empty());
        assert_eq!(epochs.take(3, &BEGUN, at(20)), Some(()));
        assert_eq!(epochs.take(3, &part(&[1]), at(21)), Some(()));
        assert_eq!(found(&epochs, 1, 0), [21, 7], "until all are sealed anew, some are where they were");
        assert_eq!(found(&epochs, 5, 0), [8]);
        assert_eq!(epochs.take(3, &part(&[]), at(22)), Some(()));
        assert_eq!(found(&epochs, 1, 0), [21]);
    }

    #[test]
    fn it_is_known_since_when_keys_were_made_in_a_token() {
        let mut epochs = Epochs::default();
        let said = [
            (Kept::Files, None),
            (Kept::Either, Some(30)),
            (Kept::Either, Some(30)),
            (Kept::Files, None),
            (Kept::Token, Some(0)),
            (Kept::Either, Some(0)),
        ];
        for ((kept, since), epoch) in said.into_iter().zip(2..) {
            let at = at(u64::from(epoch));
            assert_eq!(epochs.take(epoch, &Turn::Begun { kept }, at), Some(()));
            assert_eq!(epochs.in_token_since(), since);
            assert_eq!(epochs.take(epoch, &part(&[]), at), Some(()));
            assert_eq!(epochs.take(epoch - 1, &Turn::Ended, at), Some(()));
        }
    }
}
