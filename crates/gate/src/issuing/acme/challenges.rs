//! What is answered while an authority looks whether names are ours.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::ServerConfig;

/// Of one certificate; empty but for seconds.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    /// By the name that is asked for (RFC 8737).
    handshakes: Mutex<BTreeMap<String, Arc<ServerConfig>>>,
    /// Key authorizations by their tokens (RFC 8555 §8.3).
    tokens: Mutex<BTreeMap<String, String>>,
}

impl Challenges {
    pub(super) fn handshake(&self, name: &str, config: ServerConfig) {
        locked(&self.handshakes).insert(name.to_ascii_lowercase(), Arc::new(config));
    }

    pub(super) fn token(&self, token: &str, answer: &str) {
        locked(&self.tokens).insert(token.to_owned(), answer.to_owned());
    }

    /// Whether a handshake may be an authority's.
    pub(crate) fn wait_for_handshakes(&self) -> bool {
        !locked(&self.handshakes).is_empty()
    }

    /// What is shown to an authority that asks for this name.
    pub(crate) fn of_name(&self, name: &str) -> Option<Arc<ServerConfig>> {
        locked(&self.handshakes).get(&name.to_ascii_lowercase()).cloned()
    }

    /// What is answered to an authority that asks with this token.
    pub(crate) fn of_token(&self, token: &str) -> Option<String> {
        locked(&self.tokens).get(token).cloned()
    }

    pub(super) fn clear(&self) {
        locked(&self.handshakes).clear();
        locked(&self.tokens).clear();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
