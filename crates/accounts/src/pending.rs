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

/// Whose part of the places a ceremony takes: of a machine or of an account, as one of 65,536 numbers, which name neither.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share(u16);

impl Share {
    pub(crate) fn of(whose: &impl std::fmt::Display) -> Self {
        let [first, second, ..] = sceau_crypto::sha256(whose.to_string().as_bytes());
        Self(u16::from_be_bytes([first, second]))
    }
}

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

    /// Keeps `state` under `key`. When there are too many, the largest share makes room with its oldest: who floods ends their own.
    pub(crate) async fn put<T: Ceremony>(
        &self,
        share: Share,
        key: &str,
        state: &T,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let state = serde_json::to_string(state)?;
        let mut transaction = self.0.begin().await?;
        transaction.execute(statements::PURGE_CEREMONIES, params![now_ms]).await?;
        transaction.execute(statements::BOUND_CEREMONIES, params![CAPACITY]).await?;
        let expires = now_ms.saturating_add(CEREMONY_MS);
        transaction
            .execute(statements::BEGIN_CEREMONY, params![T::KIND, key, state, expires, u32::from(share.0)])
            .await?;
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
    async fn a_ceremony_is_taken_once_in_time_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("db"), crate::MIGRATIONS).await.unwrap();
        let pending = Pending::new(database.clone());
        let share = Share::of(&"192.0.2.1");
        pending.put(share, "a", &One(1), 0).await.unwrap();
        // Another process of the same database.
        let elsewhere = Pending::new(database.clone());
        assert_eq!(elsewhere.take::<Other>("a", 1).await.unwrap(), None);
        assert_eq!(elsewhere.take("a", 1).await.unwrap(), Some(One(1)));
        assert_eq!(pending.take::<One>("a", 1).await.unwrap(), None);
        pending.put(share, "b", &One(2), 0).await.unwrap();
        assert_eq!(pending.take::<One>("b", CEREMONY_MS).await.unwrap(), None);
    }

    /// One that floods, whatever it begins, takes nobody else's place: not even those that began long before.
    #[tokio::test]
    async fn a_flood_makes_room_in_its_own_share() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("db"), crate::MIGRATIONS).await.unwrap();
        let pending = Pending::new(database.clone());
        let [flood, other] = [Share::of(&"192.0.2.1"), Share::of(&"192.0.2.2")];
        pending.put(other, "before", &One(1), 0).await.unwrap();
        let mut many = database.begin().await.unwrap();
        for number in 1..CAPACITY {
            let values =
                params!["one", number.to_string(), "3", 1_000 + u64::from(number), u32::from(flood.0)];
            many.execute(statements::BEGIN_CEREMONY, values).await.unwrap();
        }
        many.commit().await.unwrap();
        pending.put(flood, "more", &One(4), 1).await.unwrap();
        pending.put(other, "after", &One(5), 1).await.unwrap();
        for (key, left) in [("1", None), ("2", None), ("3", Some(One(3)))] {
            assert_eq!(pending.take::<One>(key, 1).await.unwrap(), left, "{key}");
        }
        for (key, left) in [("before", One(1)), ("more", One(4)), ("after", One(5))] {
            assert_eq!(pending.take::<One>(key, 1).await.unwrap(), Some(left), "{key}");
        }
    }
}
