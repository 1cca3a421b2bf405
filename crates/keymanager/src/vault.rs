//! Small documents kept sealed in the database: who edits the file learns nothing and changes nothing unseen.

use std::sync::Arc;

use sceau_hsm::{KeyRef, Operations as _, Provider};
use sceau_store::{Database, StoreError, Transaction, params};
use sceau_trace::Hash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::schema::statements;

/// Seals and opens documents by name.
#[derive(Clone)]
pub(crate) struct Vault {
    database: Database,
    keys: Arc<dyn Provider>,
    key: KeyRef,
}

impl Vault {
    pub(crate) fn new(database: Database, keys: Arc<dyn Provider>, key: KeyRef) -> Self {
        Self { database, keys, key }
    }

    /// Seals `document` under `name` in the caller's transaction; returns the hash of what is stored.
    pub(crate) async fn put(
        &self,
        transaction: &mut Transaction,
        name: &'static str,
        document: &impl Serialize,
    ) -> Result<Hash, Error> {
        let sealed = self.seal(name, document)?;
        self.put_sealed(transaction, name, &sealed).await?;
        Ok(sceau_trace::sha256(&sealed))
    }

    /// Seals without storing, for a caller that needs the hash first.
    pub(crate) fn seal(&self, name: &str, document: &impl Serialize) -> Result<Vec<u8>, Error> {
        let json = Zeroizing::new(serde_json::to_vec(document).map_err(StoreError::from)?);
        Ok(self.keys.seal(&self.key, name.as_bytes(), &json)?)
    }

    pub(crate) async fn put_sealed(
        &self,
        transaction: &mut Transaction,
        name: &str,
        sealed: &[u8],
    ) -> Result<(), Error> {
        transaction.execute(statements::PUT_SEALED, params![name, sealed]).await?;
        Ok(())
    }

    /// The document of this name with the hash of its sealed form, if there is one.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        name: &'static str,
    ) -> Result<Option<(T, Hash)>, Error> {
        self.find(name, name).await
    }

    /// The same for a name that is made while the program runs; errors call it `called`.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        name: &str,
        called: &'static str,
    ) -> Result<Option<(T, Hash)>, Error> {
        let Some(row) = self.database.fetch_optional(statements::GET_SEALED, params![name]).await? else {
            return Ok(None);
        };
        let sealed: Vec<u8> = row.get("content")?;
        let json =
            self.keys.open(&self.key, name.as_bytes(), &sealed).map_err(|_| Error::Tampered(called))?;
        let document = serde_json::from_slice(json.expose()).map_err(|_| Error::Tampered(called))?;
        Ok(Some((document, sceau_trace::sha256(&sealed))))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}
