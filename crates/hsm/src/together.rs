//! Secrets that are sealed or opened together, so that a key that is elsewhere is asked for all of them once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sceau_crypto::{Secret, random};

use crate::error::Error;

/// Answers that are remembered at once: whoever opens more begins anew.
const REMEMBERED: usize = 1024;

/// What keys of one provider answered for secrets that are worked on together. It lives as long as these do, and no longer: whoever has it opens what was sealed with it, and
/// what was opened with it, without asking the keys.
#[derive(Default)]
pub struct Together(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    /// By the name of the key: what its secrets are sealed with.
    salts: HashMap<String, [u8; 32]>,
    /// By the name of the key, and salt.
    answered: HashMap<(String, Vec<u8>), Arc<Secret<32>>>,
}

impl Together {
    /// The salt that secrets are sealed with under the key of this name: it is drawn for the first of them.
    pub(crate) fn salt(&self, key: &str) -> [u8; 32] {
        let mut answers = self.answers();
        if let Some(salt) = answers.salts.get(key) {
            return *salt;
        }
        let drawn = random();
        answers.salts.insert(key.to_owned(), drawn);
        drawn
    }

    /// What the key of this name answers to this salt.
    ///
    /// # Errors
    /// Those of `ask`; nothing is remembered of them.
    pub(crate) fn answer(
        &self,
        key: &str,
        salt: &[u8],
        ask: impl FnOnce() -> Result<Secret<32>, Error>,
    ) -> Result<Arc<Secret<32>>, Error> {
        let of = (key.to_owned(), salt.to_vec());
        if let Some(known) = self.answers().answered.get(&of) {
            return Ok(Arc::clone(known));
        }
        let answer = Arc::new(ask()?);
        let mut answers = self.answers();
        if answers.answered.len() >= REMEMBERED {
            answers.answered.clear();
        }
        answers.answered.insert(of, Arc::clone(&answer));
        Ok(answer)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together(redacted)")
    }
}
