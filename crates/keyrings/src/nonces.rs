//! Nonces that terminals sign: known again without being kept, taken once.

use sceau_crypto::{hmac, random};
use sceau_element_api::Nonce;
use sceau_store::params;

use crate::rows::{Rows, RowsError};
use crate::schema::statements;

/// How long one is good, in milliseconds.
pub(crate) const LASTS: u64 = 120_000;

/// Gives nonces and takes them back. What they are known by is the database's, so that each of its hosts takes another's; who reads it there makes nonces, which are
/// nothing without a terminal's signature.
#[derive(Debug)]
pub(crate) struct Nonces {
    rows: Rows,
    secret: Vec<u8>,
}

impl Nonces {
    /// Those of this database.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn open(rows: Rows) -> Result<Self, RowsError> {
        let drawn: [u8; 32] = random();
        rows.database.execute(statements::DRAW_SECRET, params![&drawn]).await?;
        let secret = rows.database.fetch_one(statements::SECRET, params![]).await?.get("secret")?;
        Ok(Self { rows, secret })
    }

    /// A new one: until when it is good, eight octets that were drawn, and by what both are known again.
    pub(crate) fn give(&self, now: u64) -> (Nonce, u64) {
        let ends = now.saturating_add(LASTS);
        let drawn: [u8; 8] = random();
        let mut nonce = [0; 32];
        let (head, tail) = nonce.split_at_mut(16);
        let known = self.known_by(ends, &drawn);
        head.iter_mut().zip(ends.to_be_bytes().into_iter().chain(drawn)).for_each(|(to, from)| *to = from);
        tail.iter_mut().zip(known).for_each(|(to, from)| *to = from);
        (Nonce(nonce), ends)
    }

    /// Whether it is one of these, good at `now`.
    pub(crate) fn knows(&self, nonce: &Nonce, now: u64) -> bool {
        let (head, tail) = nonce.0.split_at(16);
        let (Some((ends, drawn)), Ok(tail)) = (head.split_first_chunk::<8>(), <[u8; 16]>::try_from(tail))
        else {
            return false;
        };
        let (ends, Ok(drawn)) = (u64::from_be_bytes(*ends), <[u8; 8]>::try_from(drawn)) else { return false };
        // Not a secret that is guessed at: a nonce alone opens nothing.
        now < ends && ends <= now.saturating_add(LASTS) && self.known_by(ends, &drawn) == tail
    }

    /// Takes it; false where it was taken before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn take(&self, nonce: &Nonce) -> Result<bool, RowsError> {
        let ends = nonce.0.first_chunk::<8>().map_or(0, |ends| u64::from_be_bytes(*ends));
        let taken = self.rows.database.execute(statements::VISIT, params![&nonce.0, ends]).await?;
        Ok(taken == 1)
    }

    fn known_by(&self, ends: u64, drawn: &[u8; 8]) -> [u8; 16] {
        let whole = hmac(&self.secret, &[&ends.to_be_bytes(), drawn]);
        whole.first_chunk::<16>().copied().unwrap_or_default()
    }
}
