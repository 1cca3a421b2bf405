//! Documents kept sealed, each under its name, with the hash of its current form in the trace.

use std::sync::PoisonError;

use sceau_trace::{Action, sha256};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::journal::{REGISTER, REGISTER_HASH};
use crate::manager::KeyManager;

/// Begins the name of each document of this room.
pub(super) const PREFIX: &str = "transit/";

impl KeyManager {
    /// The document of this name, if there is one.
    pub(crate) async fn shelved<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let name = format!("{PREFIX}{name}");
        // Whoever keeps a newer form names it in the same moment.
        let _still = self.transit().keeping.read().await;
        let named = self.transit().named.read().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
        let Some(named) = named else { return Ok(None) };
        match self.vault().find::<T>(&name, "a Transit document").await? {
            Some((document, hash)) if hash == named => Ok(Some(document)),
            _ => Err(Error::Tampered("a Transit document")),
        }
    }

    /// Keeps a document and names its hash in the trace, at once. Who calls is alone among those who change it.
    pub(crate) async fn shelve(&self, name: &str, document: &impl Serialize) -> Result<(), Error> {
        self.shelve_and_tell::<()>(name, document, "", &[]).await
    }

    /// The same, and leaves messages with it in the outbox.
    pub(crate) async fn shelve_and_tell<M: Serialize>(
        &self,
        name: &str,
        document: &impl Serialize,
        topic: &str,
        messages: &[M],
    ) -> Result<(), Error> {
        let name = format!("{PREFIX}{name}");
        let sealed = self.vault().seal(&name, document)?;
        let hash = sha256(&sealed);
        let draft = self.own_record(Action::REGISTER_CHANGE).granted().detail(REGISTER, name.as_str());
        let mut append = self.journal().begin().await?;
        append.record(draft.detail(REGISTER_HASH, hash.to_string())).await?;
        self.vault().put_sealed(append.transaction(), &name, &sealed).await?;
        for message in messages {
            self.outbox().enqueue(append.transaction(), topic, message).await?;
        }
        let _alone = self.transit().keeping.write().await;
        append.commit().await?;
        self.transit().named.write().unwrap_or_else(PoisonError::into_inner).insert(name, hash);
        Ok(())
    }

    /// The names under a folder of this room, without it.
    pub(super) fn shelf(&self, folder: &str) -> Vec<String> {
        let folder = format!("{PREFIX}{folder}/");
        let named = self.transit().named.read().unwrap_or_else(PoisonError::into_inner);
        named.keys().filter_map(|name| Some(name.strip_prefix(&folder)?.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use sceau_hsm::{Passphrase, Unlock};
    use sceau_store::SystemClock;

    use super::*;
    use crate::{Settings, Setup};

    /// A commit is visible before it is on disk, and what it kept is named after that.
    #[tokio::test]
    async fn who_reads_while_a_newer_form_is_kept_reads_the_one_or_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            organisation_name: "Essai".to_owned(),
            address: "https://cles.localhost:8443".to_owned(),
        };
        let unlock = Unlock::Passphrase(Passphrase::new("a passphrase for one test only").unwrap());
        let data = folder.path().join("data");
        let manager = KeyManager::init(&data, &setup, &unlock, Settings::default(), Arc::new(SystemClock));
        let manager = manager.await.unwrap();
        manager.shelve("a", &0_u64).await.unwrap();
        let over = AtomicBool::new(false);
        let reading = async || {
            let mut last = 0;
            while !over.load(Ordering::SeqCst) {
                let read = manager.shelved::<u64>("a").await.unwrap().unwrap();
                assert!(read >= last, "{read} after {last}");
                last = read;
                tokio::task::yield_now().await;
            }
        };
        let keeping = async {
            for form in 1..=50_u64 {
                manager.shelve("a", &form).await.unwrap();
            }
            over.store(true, Ordering::SeqCst);
        };
        tokio::join!(keeping, reading(), reading());
        assert_eq!(manager.shelved::<u64>("a").await.unwrap(), Some(50));
        manager.close().await;
    }
}
