//! The key manager as a Vault: Transit keys, logins by certificate and AppRole, tokens, key-value pairs, for clients that know only this interface.
//!
//! Off unless the policy has a `[transit]` section; keys leave only if that section says so *and* the key was made exportable. Its keys are
//! apart from everything else here: no recipient, signing or root key has a name in it. Keys are software keys, sealed under the keystore, and
//! the hash of each document is in the key manager's trace: what is edited or put back is refused. Tokens are kept in memory, by their hash: a
//! restart ends them all.

mod approle;
mod crypt;
mod key;
mod keys;
mod kv;
pub(crate) mod parsers;
mod policy;
mod refusal;
mod shelf;
mod shown;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};

use sceau_store::RateLimiter;
use sceau_trace::Hash;
use tokio::sync::Semaphore;

pub(crate) use approle::{NewAppRole, duration};
pub(crate) use crypt::Act;
pub(crate) use key::NamedKey;
pub(crate) use keys::generate;
pub(crate) use policy::{Export, KvRead, KvWrite, Manage, Read, Right, Use};
pub use policy::{LoginRole, Policy, TransitSettings};
pub(crate) use refusal::Refusal;
pub(crate) use shown::rfc3339;
pub(crate) use token::{LiveToken, LoggedIn, Permit};

/// What is kept in memory.
pub(crate) struct Transit {
    /// The hash of each document's current form, as the trace named it last.
    named: RwLock<BTreeMap<String, Hash>>,
    /// Held by who reads a document and its hash, and alone by who changes both.
    keeping: tokio::sync::RwLock<()>,
    tokens: Mutex<HashMap<[u8; 32], token::Kept>>,
    uses: RateLimiter<String>,
    logins: RateLimiter<String>,
    /// Batches that are worked on.
    batches: Arc<Semaphore>,
}

/// Batches at once; others wait.
const BATCHES: usize = 2;
/// Callers at once that are counted.
const CALLERS: usize = 4096;

impl Transit {
    /// From what the trace names.
    pub(crate) fn new(named: &BTreeMap<String, Hash>) -> Self {
        let ours = named.iter().filter(|(name, _)| name.starts_with(shelf::PREFIX));
        Self {
            named: RwLock::new(ours.map(|(name, hash)| (name.clone(), *hash)).collect()),
            keeping: tokio::sync::RwLock::default(),
            tokens: Mutex::default(),
            uses: RateLimiter::new(CALLERS),
            logins: RateLimiter::new(CALLERS),
            batches: Arc::new(Semaphore::new(BATCHES)),
        }
    }
}
