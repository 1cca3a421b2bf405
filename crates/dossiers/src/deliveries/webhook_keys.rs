//! The keys that webhooks are signed with: made, published before they are used, followed by another, forgotten.
//!
//! A key is a hint's, no more: it lives in the platform's database, and proves that the platform sent what points at the feed.

use sceau_crypto::{Secret, SigningKey, VerifyingKey};
use sceau_store::params;

use crate::fault::Fault;
use crate::{Dossiers, statements};

const HOUR_MS: u64 = 3_600_000;
/// Age at which a key is given a successor.
const PERIOD_MS: u64 = 90 * 24 * HOUR_MS;
/// How long a key is published before anything is signed with it.
const NOTICE_MS: u64 = 48 * HOUR_MS;
/// How long a key is still published after its successor took over: signatures made with it have ended by then.
const REST_MS: u64 = 48 * HOUR_MS;

/// A key by its number and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    number: u64,
    created: u64,
}

/// What is to be done with the keys, oldest first, at a time.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// The number of a key to make.
    make: Option<u64>,
    /// The number of the key to sign with; none before the first is made.
    sign: Option<u64>,
    /// Up to which number keys are forgotten, it excluded.
    forget: u64,
}

impl Plan {
    fn of(keys: &[Made], now: u64) -> Self {
        let ready = |key: &&Made| key.created.saturating_add(NOTICE_MS) <= now;
        let sign = keys.iter().rev().find(ready).or(keys.first());
        let make = match keys.last() {
            None => Some(1),
            Some(last) => (last.created.saturating_add(PERIOD_MS) <= now).then_some(last.number + 1),
        };
        let rested = sign.filter(|key| key.created.saturating_add(NOTICE_MS + REST_MS) <= now);
        Self { make, sign: sign.map(|key| key.number), forget: rested.map_or(0, |key| key.number) }
    }
}

impl Dossiers {
    /// The public parts of the keys that webhooks are, were or will soon be signed with, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_keys(&self) -> Result<Vec<VerifyingKey>, Fault> {
        self.turn_webhook_keys().await?;
        let rows = self.database.fetch_all(statements::WEBHOOK_KEYS, params![]).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            keys.push(key(row.get("seed")?)?.verifying_key());
        }
        Ok(keys)
    }

    /// The key to sign with now.
    pub(super) async fn signing_key(&self) -> Result<SigningKey, Fault> {
        let number = self.turn_webhook_keys().await?;
        let row = self.database.fetch_one(statements::WEBHOOK_KEY, params![number]).await?;
        key(row.get("seed")?)
    }

    /// Makes and forgets what is due; returns the number of the key to sign with. Whichever process comes first makes a key.
    async fn turn_webhook_keys(&self) -> Result<u64, Fault> {
        let now = self.clock.now_ms();
        let plan = Plan::of(&self.made_keys().await?, now);
        if let Some(number) = plan.make {
            let seed = SigningKey::generate().seed().expose().to_vec();
            self.database.execute(statements::KEEP_WEBHOOK_KEY, params![number, seed, now]).await?;
        }
        if plan.forget > 1 {
            self.database.execute(statements::FORGET_WEBHOOK_KEYS, params![plan.forget]).await?;
        }
        Ok(plan.sign.unwrap_or(1))
    }

    async fn made_keys(&self) -> Result<Vec<Made>, Fault> {
        let rows = self.database.fetch_all(statements::WEBHOOK_KEYS, params![]).await?;
        rows.iter().map(|row| Ok(Made { number: row.get("id")?, created: row.get("created")? })).collect()
    }
}

fn key(mut seed: Vec<u8>) -> Result<SigningKey, Fault> {
    let key = Secret::from_slice(&seed).map(SigningKey::from_seed);
    seed.fill(0);
    key.map_err(|_| Fault::Tampered { kind: "webhook key", id: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_before_it_signs_and_after_it_signed() {
        let keys = [Made { number: 1, created: 0 }, Made { number: 2, created: PERIOD_MS }];
        let plan = |keys: &[Made], now| Plan::of(keys, now);
        assert_eq!(plan(&[], 5), Plan { make: Some(1), sign: None, forget: 0 });
        assert_eq!(plan(&keys[..1], 0), Plan { make: None, sign: Some(1), forget: 0 });
        assert_eq!(plan(&keys[..1], PERIOD_MS), Plan { make: Some(2), sign: Some(1), forget: 1 });
        assert_eq!(plan(&keys, PERIOD_MS + NOTICE_MS - 1), Plan { make: None, sign: Some(1), forget: 1 });
        assert_eq!(plan(&keys, PERIOD_MS + NOTICE_MS), Plan { make: None, sign: Some(2), forget: 0 });
        let rested = PERIOD_MS + NOTICE_MS + REST_MS;
        assert_eq!(plan(&keys, rested), Plan { make: None, sign: Some(2), forget: 2 });
        // A platform that slept for years goes on with the key that its receivers know.
        assert_eq!(plan(&keys[..1], 50 * PERIOD_MS).sign, Some(1));
    }
}
