//! Ceremonies that began and wait for their second step: bounded in number and in time, each taken once.
//!
//! They are in the database, so that another process of the platform, or this one after a restart, takes the second step. Deleting the row is
//! what takes it: of two that ask, one gets it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use sceau_store::{Database, StoreError, params};

use crate::schema::statements;

/// How long a ceremony may take: five minutes, as the element's nonces.
pub(crate) const CEREMONY_MS: u64 = 300_000;
/// How many wait at once, of all kinds together.
const CAPACITY: u32 = 10_000;

/// A first step, as it waits. No secret is in it that could be hashed or sealed instead.
pub(crate) trait Ceremony: Serialize + DeserializeOwned {
    /// Which first step it is: what one kind began, another does not end.
    const KIND: &'static str;
}

/// Begun ceremonies by their key.
#[derive(Debug)]
pub(crate) struct Pending(Database);

impl Pending {
    pub(crate) fn new(database: Database) -> Self {
        Self(database)
    }

    /// Keeps `state` under `key`; those closest to their end make room when there are too many.
    pub(crate) async fn put<T: Ceremony>(&self, key: &str, state: &T, now_ms: u64) -> Result<(), StoreError> {
        let state = serde_json::to_string(state)?;
        let mut transaction = self.0.begin().await?;
        transaction.execute(statements::PURGE_CEREMONIES, params![now_ms]).await?;
        transaction.execute(statements::BOUND_CEREMONIES, params![CAPACITY - 1]).await?;
        let expires = now_ms.saturating_add(CEREMONY_MS);
        transaction.execute(statements::BEGIN_CEREMONY, params![T::KIND, key, state, expires]).await?;
        transaction.commit().await
    }

    /// Takes it out; a second time, too late or never begun is none.
    pub(crate) async fn take<T: Ceremony>(&self, key: &str, now_ms: u64) -> Result<Option<T>, StoreError> {
        let rows = self.0.write(statements::END_CEREMONY, params![T::KIND, key]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.get::<u64>("expires")? <= now_ms {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&row.get::<String>("state")?)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct One(u32);
    impl Ceremony for One {
        const KIND: &'static str = "one";
    }
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Other(u32);
    impl Ceremony for Other {
        const KIND: &'static str = "other";
    }

    #[tokio::test]
    async fn a_ceremony_is_taken_once_in_time_as_what_it_is_and_their_number_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("db"), crate::MIGRATIONS).await.unwrap();
        let pending = Pending::new(database.clone());
        pending.put("a", &One(1), 0).await.unwrap();
        // Another process of the same database.
        let elsewhere = Pending::new(database.clone());
        assert_eq!(elsewhere.take::<Other>("a", 1).await.unwrap(), None);
        assert_eq!(elsewhere.take("a", 1).await.unwrap(), Some(One(1)));
        assert_eq!(pending.take::<One>("a", 1).await.unwrap(), None);
        pending.put("b", &One(2), 0).await.unwrap();
        assert_eq!(pending.take::<One>("b", CEREMONY_MS).await.unwrap(), None);

        let mut many = database.begin().await.unwrap();
        for number in 0..CAPACITY {
            let values = params!["one", number.to_string(), "3", 1_000 + u64::from(number)];
            many.execute(statements::BEGIN_CEREMONY, values).await.unwrap();
        }
        many.commit().await.unwrap();
        pending.put("last", &One(4), 1).await.unwrap();
        assert_eq!(pending.take::<One>("0", 1).await.unwrap(), None, "the oldest made room");
        assert_eq!(pending.take("1", 1).await.unwrap(), Some(One(3)));
        assert_eq!(pending.take("last", 1).await.unwrap(), Some(One(4)));
    }
}
