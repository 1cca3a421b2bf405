//! Keys that are in somebody else's keystore: whether they still are what was made. An administrator of a Vault may make a key exportable later, and
//! nothing makes it stay after that.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Alert;
use crate::error::Error;
use crate::manager::KeyManager;

/// How often they are looked at: at the start, then each hour.
const PERIOD_MS: u64 = 3600 * 1000;

/// What was found last.
#[derive(Debug, Default)]
pub(crate) struct AlteredKeys(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    looked: Option<u64>,
    /// When each was noticed.
    keys: BTreeMap<String, u64>,
}

impl KeyManager {
    /// Looks at each key of a keystore that somebody else administers, once an hour.
    pub(crate) fn tend_altered_keys(&self) -> Result<(), Error> {
        let (Some(judge), now) = (self.keys().judging(), self.now()) else { return Ok(()) };
        let AlteredKeys(found) = self.altered_keys();
        let looked = found.lock().unwrap_or_else(PoisonError::into_inner).looked;
        if looked.is_some_and(|looked| now < looked.saturating_add(PERIOD_MS)) {
            return Ok(());
        }
        let altered = judge.altered()?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let noticed = |key: &String| found.keys.get(key).copied().unwrap_or(now);
        let keys = altered.into_iter().map(|key| (noticed(&key), key)).map(|(at, key)| (key, at)).collect();
        *found = Found { looked: Some(now), keys };
        Ok(())
    }

    /// Keys that may leave their keystore by now.
    pub(super) fn altered_key_alerts(&self) -> Vec<Alert> {
        let AlteredKeys(found) = self.altered_keys();
        let found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let alert =
            |(key, at): (&String, &u64)| Alert { kind: "key_may_leave", subject: Some(key.clone()), by: *at };
        found.keys.iter().map(alert).collect()
    }
}
