//! The organisation's keys: what each is, where it stands, and the statement by which the root vouches for it.

mod plan;

use sceau_crypto::{Fingerprint, KeyId};
use sceau_element_api::documents::{KeyStatement, KeyUse};
use sceau_hsm::{KeyRef, KeyUri, Provider};
use sceau_store::{Database, params};
use sceau_trace::Hash;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use plan::{Plan, Why, plan, suite};

use crate::error::Error;
use crate::roots::Roots;
use crate::schema::statements;

/// A key that this organisation's root has stated, verified when it was read.
#[derive(Debug, Clone)]
pub(crate) struct ManagedKey {
    pub(crate) statement: KeyStatement,
    pub(crate) hash: Hash,
    pub(crate) jws: String,
    pub(crate) uri: KeyUri,
    /// Where the platform's log holds the statement; none until that is proven.
    pub(crate) index: Option<u64>,
    /// When that was proven, in Unix milliseconds; unknown for keys of before this was kept.
    pub(crate) acknowledged: Option<u64>,
    pub(crate) destroyed: bool,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStanding {
    /// Made, and not yet acknowledged by the platform.
    Next,
    /// The one in use.
    Current,
    /// Kept for what was sealed to it.
    Retired,
    /// Kept for what was sealed to it, and nothing more is taken: somebody may know it.
    Withdrawn,
    /// Gone.
    Destroyed,
}

/// All of them, by use and serial, and the root in force: what another one stated has ended.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    keys: Vec<ManagedKey>,
    root: Fingerprint,
}

impl Keyring {
    /// Reads the keys; each statement must verify under a root of ours.
    pub(crate) async fn load(database: &Database, roots: &Roots) -> Result<Self, Error> {
        let rows = database.fetch_all(statements::KEYS, params![]).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let jws: String = row.get("jws")?;
            let mut verified = roots.fingerprints().filter_map(|root| KeyStatement::verify(&jws, root).ok());
            let verified = verified.next().ok_or(Error::Tampered("a key's statement"))?;
            let uri: String = row.get("uri")?;
            keys.push(ManagedKey {
                hash: verified.hash(),
                statement: verified.into_document(),
                jws,
                uri: uri.parse()?,
                index: row.get("log_index")?,
                acknowledged: row.get("acknowledged")?,
                destroyed: row.get::<Option<u64>>("destroyed")?.is_some(),
            });
        }
        Ok(Self { keys, root: roots.in_force().fingerprint })
    }

    pub(crate) fn all(&self) -> &[ManagedKey] {
        &self.keys
    }

    /// The one made last for this use.
    pub(crate) fn newest(&self, key_use: KeyUse) -> Option<&ManagedKey> {
        self.of(key_use).max_by_key(|key| key.statement.serial)
    }

    /// The one in use: that the platform acknowledged last for this use, unless its root was replaced since.
    pub(crate) fn current(&self, key_use: KeyUse) -> Option<&ManagedKey> {
        self.last(key_use).filter(|key| self.is_stated_by_root_in_force(key))
    }

    /// The one that the platform acknowledged last for this use: the next one follows it.
    pub(crate) fn last(&self, key_use: KeyUse) -> Option<&ManagedKey> {
        self.of(key_use).filter(|key| key.index.is_some()).max_by_key(|key| key.statement.serial)
    }

    /// Whether the root that stated it is the one in force.
    pub(crate) fn is_stated_by_root_in_force(&self, key: &ManagedKey) -> bool {
        key.statement.root() == Some(self.root)
    }

    pub(crate) fn by_id(&self, id: &KeyId) -> Option<&ManagedKey> {
        self.keys.iter().find(|key| key.statement.key_id == *id)
    }

    /// Whether a statement of this hash is one of ours.
    pub(crate) fn stated(&self, hash: &Hash) -> bool {
        self.keys.iter().any(|key| key.hash == *hash)
    }

    pub(crate) fn standing(&self, key: &ManagedKey, now: u64) -> KeyStanding {
        let current = self.current(key.statement.key_use);
        let is_current = current.is_some_and(|current| current.statement.key_id == key.statement.key_id);
        match key {
            ManagedKey { destroyed: true, .. } => KeyStanding::Destroyed,
            ManagedKey { index: None, .. } => KeyStanding::Next,
            _ if self.is_withdrawn(key) => KeyStanding::Withdrawn,
            _ if is_current && key.statement.is_valid_at(now) => KeyStanding::Current,
            _ => KeyStanding::Retired,
        }
    }

    /// Whether the key that follows it withdraws it, and the platform acknowledged that.
    pub(crate) fn is_withdrawn(&self, key: &ManagedKey) -> bool {
        let id = Some(key.statement.key_id);
        let withdraws = |each: &ManagedKey| {
            each.index.is_some() && each.statement.withdraws_predecessor && each.statement.predecessor == id
        };
        self.of(key.statement.key_use).any(withdraws)
    }

    /// When the platform acknowledged the key that came after this one, in Unix milliseconds; none while there is no such key.
    pub(crate) fn replaced_at(&self, key: &ManagedKey) -> Option<u64> {
        let after = |each: &&ManagedKey| each.statement.serial > key.statement.serial && each.index.is_some();
        let next = self.of(key.statement.key_use).filter(after).min_by_key(|each| each.statement.serial)?;
        // No statement is acknowledged after its expiry.
        Some(next.acknowledged.unwrap_or(next.statement.not_after))
    }

    fn of(&self, key_use: KeyUse) -> impl Iterator<Item = &ManagedKey> {
        self.keys.iter().filter(move |key| key.statement.key_use == key_use)
    }
}

impl ManagedKey {
    /// Its private half.
    pub(crate) fn private(&self, keys: &dyn Provider) -> Result<KeyRef, Error> {
        Ok(keys.find(&self.uri)?.key)
    }
}
