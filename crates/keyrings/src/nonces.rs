//! Nonces that terminals sign: known again without being kept, taken once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sceau_crypto::{hmac, random};
use sceau_element_api::Nonce;
use sceau_keyring::GivenNonce;
use sceau_store::params;

use crate::rows::{Rows, RowsError};
use crate::schema::statements;

/// How long one is good, in milliseconds.
pub(crate) const LASTS: u64 = 120_000;

/// The most that are remembered in memory; who takes more must wait until one ends.
const MOST: usize = 1 << 20;

/// Gives nonces and takes them back.
#[derive(Debug)]
pub(crate) struct Nonces {
    secret: Vec<u8>,
    kept: Kept,
}

/// Where it is kept which ones were taken.
#[derive(Debug)]
enum Kept {
    /// In this process, which alone gives them and takes them: what it forgets at its end it does not know again either.
    Here(Mutex<Spent>),
    /// In the database, with what they are known by, so that each of its hosts takes another's; who reads it there makes nonces, which are nothing without a terminal's signature.
    There(Rows),
}

/// The drawn octets of those that were taken, and until when each is good, in the order in which they came.
#[derive(Debug, Default)]
struct Spent {
    taken: HashSet<[u8; 8]>,
    ends: VecDeque<(u64, [u8; 8])>,
}

/// What became of one that somebody came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is taken now.
    First,
    /// It was taken before.
    Before,
    /// There is no room to remember it.
    Full,
}

impl Nonces {
    /// Those of this database, or of this process where it is its only host.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn open(rows: Rows, alone: bool) -> Result<Self, RowsError> {
        let drawn: [u8; 32] = random();
        if alone {
            return Ok(Self { secret: drawn.to_vec(), kept: Kept::Here(Mutex::default()) });
        }
        rows.database.execute(statements::DRAW_SECRET, params![&drawn]).await?;
        let secret = rows.database.fetch_one(statements::SECRET, params![]).await?.get("secret")?;
        Ok(Self { secret, kept: Kept::There(rows) })
    }

    /// A new one: until when it is good, eight octets that were drawn, and by what both are known again.
    pub(crate) fn give(&self, now: u64) -> GivenNonce {
        let ends = now.saturating_add(LASTS);
        let drawn: [u8; 8] = random();
        let mut nonce = [0; 32];
        let (head, tail) = nonce.split_at_mut(16);
        let known = self.known_by(ends, &drawn);
        head.iter_mut().zip(ends.to_be_bytes().into_iter().chain(drawn)).for_each(|(to, from)| *to = from);
        tail.iter_mut().zip(known).for_each(|(to, from)| *to = from);
        GivenNonce { nonce: Nonce(nonce), ends }
    }

    /// Whether it is one of these, good at `now`.
    pub(crate) fn knows(&self, nonce: &Nonce, now: u64) -> bool {
        let (ends, drawn, tail) = parts(nonce);
        // Not a secret that is guessed at: a nonce alone opens nothing.
        now < ends && ends <= now.saturating_add(LASTS) && self.known_by(ends, &drawn) == tail
    }

    /// Takes one that is known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn take(&self, nonce: &Nonce, now: u64) -> Result<Taken, RowsError> {
        let (ends, drawn, _) = parts(nonce);
        match &self.kept {
            Kept::Here(spent) => {
                Ok(spent.lock().unwrap_or_else(PoisonError::into_inner).take((ends, drawn), now, MOST))
            }
            Kept::There(rows) => {
                let taken = rows.database.execute(statements::VISIT, params![&nonce.0, ends]).await?;
                Ok(if taken == 1 { Taken::First } else { Taken::Before })
            }
        }
    }

    fn known_by(&self, ends: u64, drawn: &[u8; 8]) -> [u8; 16] {
        let whole = hmac(&self.secret, &[&ends.to_be_bytes(), drawn]);
        whole.first_chunk::<16>().copied().unwrap_or_default()
    }
}

impl Spent {
    fn take(&mut self, (ends, drawn): (u64, [u8; 8]), now: u64, most: usize) -> Taken {
        while let Some((_, ended)) = self.ends.pop_front_if(|(ends, _)| *ends <= now) {
            self.taken.remove(&ended);
        }
        if self.taken.contains(&drawn) {
            return Taken::Before;
        }
        if self.taken.len() >= most {
            return Taken::Full;
        }
        self.taken.insert(drawn);
        self.ends.push_back((ends, drawn));
        Taken::First
    }
}

/// Until when it is good, what was drawn, and by what both are known.
fn parts(Nonce(nonce): &Nonce) -> (u64, [u8; 8], [u8; 16]) {
    let (ends, rest) = nonce.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    let (drawn, tail) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    (u64::from_be_bytes(*ends), *drawn, tail.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten_once_it_ended() {
        let mut spent = Spent::default();
        let [one, two, three] = [(10, [1; 8]), (20, [2; 8]), (30, [3; 8])];
        assert_eq!(spent.take(one, 0, 2), Taken::First);
        assert_eq!(spent.take(two, 0, 2), Taken::First);
        assert_eq!(spent.take(one, 9, 2), Taken::Before);
        assert_eq!(spent.take(three, 9, 2), Taken::Full);
        assert_eq!(spent.take(three, 10, 2), Taken::First, "the first one ended");
        assert_eq!(spent.take(two, 19, 2), Taken::Before);
        assert_eq!((spent.taken.len(), spent.ends.len()), (2, 2));
    }
}
