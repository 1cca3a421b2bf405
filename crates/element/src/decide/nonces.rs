//! Nonces: good once, for five minutes, for this process. A nonce carries its time and a MAC, so that issuing one keeps
//! nothing: a flood of requests for nonces fills no memory. Only those that a valid passkey signature used up are kept.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use sceau_crypto::{Secret, hmac, random};
use sceau_element_api::Nonce;
use sceau_element_api::wire::{Code, Refusal};

/// How long a nonce is good, in milliseconds.
pub const NONCE_LIFETIME: u64 = 5 * 60 * 1000;

/// How many used nonces are remembered; beyond, proofs wait.
const MAX_SPENT: usize = 200_000;

/// Issues nonces and knows them again. Clones are the same authority.
#[derive(Debug, Clone)]
pub struct NonceAuthority {
    key: Arc<Secret<32>>,
}

impl NonceAuthority {
    /// A new authority: the nonces of any other are void.
    #[must_use]
    pub fn new() -> Self {
        Self { key: Arc::new(Secret::random()) }
    }

    /// Issues a nonce at `uptime` milliseconds: time (8) ‖ random (8) ‖ the first 16 bytes of their HMAC-SHA-256.
    #[must_use]
    pub fn issue(&self, uptime: u64) -> Nonce {
        let mut nonce = [0; 32];
        let (head, tag) = nonce.split_at_mut(16);
        let (time, salt) = head.split_at_mut(8);
        time.copy_from_slice(&uptime.to_be_bytes());
        salt.copy_from_slice(&random::<8>());
        tag.copy_from_slice(&self.tag(head));
        Nonce(nonce)
    }

    /// When the nonce was issued, if this authority issued it.
    pub(crate) fn issued(&self, nonce: &Nonce) -> Option<u64> {
        let (head, tag) = nonce.0.split_at(16);
        let time = head.first_chunk::<8>()?;
        // In constant time: an early exit would tell a caller how many bytes of a guessed tag are right.
        let same = self.tag(head).iter().zip(tag).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0;
        same.then(|| u64::from_be_bytes(*time))
    }

    fn tag(&self, head: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        let mac = hmac(self.key.expose(), &[head]);
        tag.iter_mut().zip(mac).for_each(|(place, byte)| *place = byte);
        tag
    }
}

impl Default for NonceAuthority {
    fn default() -> Self {
        Self::new()
    }
}

/// The nonces that were used and could still be tried again.
#[derive(Debug, Default)]
pub(super) struct SpentNonces {
    spent: HashSet<Nonce>,
    by_age: VecDeque<(u64, Nonce)>,
}

impl SpentNonces {
    /// Uses a nonce up.
    pub(super) fn spend(
        &mut self,
        authority: &NonceAuthority,
        nonce: &Nonce,
        uptime: u64,
    ) -> Result<(), Refusal> {
        let invalid =
            || Refusal::new(Code::NonceInvalid, "ask for a new nonce and confirm again within five minutes");
        let issued = authority.issued(nonce).ok_or_else(invalid)?;
        if uptime.saturating_sub(issued) >= NONCE_LIFETIME {
            return Err(invalid());
        }
        while self.by_age.front().is_some_and(|(spent, _)| uptime.saturating_sub(*spent) >= NONCE_LIFETIME) {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.spent.remove(&old);
            }
        }
        if self.spent.len() >= MAX_SPENT {
            return Err(Refusal::new(Code::Busy, "too many confirmations at once: try again in a minute"));
        }
        if !self.spent.insert(*nonce) {
            return Err(invalid());
        }
        self.by_age.push_back((uptime, *nonce));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_nonce_is_good_once() {
        let authority = NonceAuthority::new();
        let mut spent = SpentNonces::default();
        let nonce = authority.issue(1000);
        spent.spend(&authority, &nonce, 2000).unwrap();
        assert_eq!(spent.spend(&authority, &nonce, 2001).unwrap_err().code, Code::NonceInvalid);
        // Also when its memory is about to be given back.
        let last = 1000 + NONCE_LIFETIME - 1;
        assert_eq!(spent.spend(&authority, &nonce, last).unwrap_err().code, Code::NonceInvalid);
        assert_eq!(
            spent.spend(&authority, &nonce, 2000 + NONCE_LIFETIME).unwrap_err().code,
            Code::NonceInvalid
        );
    }

    #[test]
    fn a_nonce_is_good_for_five_minutes() {
        let authority = NonceAuthority::new();
        let mut spent = SpentNonces::default();
        let nonce = authority.issue(0);
        assert_eq!(spent.spend(&authority, &nonce, NONCE_LIFETIME).unwrap_err().code, Code::NonceInvalid);
        spent.spend(&authority, &nonce, NONCE_LIFETIME - 1).unwrap();
    }

    #[test]
    fn a_made_up_nonce_is_refused() {
        let authority = NonceAuthority::new();
        let mut spent = SpentNonces::default();
        for at in 0..32 {
            let mut nonce = authority.issue(5);
            nonce.0[at] ^= 1;
            assert_eq!(spent.spend(&authority, &nonce, 6).unwrap_err().code, Code::NonceInvalid, "byte {at}");
        }
        let other = NonceAuthority::new().issue(5);
        assert_eq!(spent.spend(&authority, &other, 6).unwrap_err().code, Code::NonceInvalid);
    }

    #[test]
    fn memory_is_given_back() {
        let authority = NonceAuthority::new();
        let mut spent = SpentNonces::default();
        for step in 0..1000 {
            let uptime = step * 1000;
            spent.spend(&authority, &authority.issue(uptime), uptime).unwrap();
        }
        assert!(spent.spent.len() <= 301 && spent.spent.len() == spent.by_age.len());
    }
}
