//! What the provider keeps on disk: who its holders are, and the evidence of each login.

use std::path::Path;

use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_store::{Database, Row, StoreError, params};

use crate::asking::Agreed;
use crate::oauth::ClientId;
use crate::schema::{MIGRATIONS, statements};

/// The file in the data folder.
const FILE: &str = "provider.db";
/// The longest alias, in characters.
const LONGEST_ALIAS: usize = 64;

/// What people type to say who they are: 1 to 64 small letters, digits and `-._@+`, in any script's small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias(String);

/// A text is no alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an alias has 1 to 64 letters, digits and -._@+, and is not the id of a keyring")]
pub struct NotAnAlias;

impl Alias {
    /// Reads one: blanks around it and capitals do not matter.
    ///
    /// # Errors
    /// [`NotAnAlias`].
    pub fn parse(text: &str) -> Result<Self, NotAnAlias> {
        let text = text.trim().to_lowercase();
        let plain = |c: char| c.is_alphanumeric() || "-._@+".contains(c);
        let holds = (1..=LONGEST_ALIAS).contains(&text.chars().count()) && text.chars().all(plain);
        if holds && text.parse::<KeyringId>().is_err() { Ok(Self(text)) } else { Err(NotAnAlias) }
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A holder, as the operator entered them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What they type.
    pub alias: String,
    /// Their keyring.
    pub keyring: KeyringId,
    /// Since when, Unix ms.
    pub time: u64,
}

/// A login that was.
#[derive(Debug, Clone)]
pub struct KeptLogin {
    /// The request's id.
    pub id: String,
    /// When its holder agreed, by the element's clock, Unix ms.
    pub time: u64,
    /// At which site.
    pub client: String,
    /// Whose.
    pub keyring: String,
    /// Index of the record in the element's log.
    pub index: u64,
    /// What was asked, as this provider signed it.
    pub request: String,
    /// The element's word.
    pub proof: String,
}

/// The provider's database.
#[derive(Debug, Clone)]
pub struct Records(Database);

impl Records {
    /// Opens or creates it in this folder. Others may have it open: who enters holders does so while the provider serves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self(Database::open_beside_another(&folder.join(FILE), MIGRATIONS).await?))
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.0.fetch_one(statements::ANSWER, params![]).await.map(drop)
    }

    /// The keyring of an alias.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keyring(&self, alias: &Alias) -> Result<Option<KeyringId>, StoreError> {
        let row = self.0.fetch_optional(statements::HOLDER, params![alias.as_str()]).await?;
        let text: Option<String> = row.map(|row| row.get("keyring")).transpose()?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Enters a holder; false where the alias is somebody's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add(&self, alias: &Alias, keyring: KeyringId, now: u64) -> Result<bool, StoreError> {
        let values = params![alias.as_str(), keyring.to_string(), now];
        Ok(self.0.execute(statements::ADD_HOLDER, values).await? == 1)
    }

    /// Takes an alias out; false where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove(&self, alias: &Alias) -> Result<bool, StoreError> {
        Ok(self.0.execute(statements::REMOVE_HOLDER, params![alias.as_str()]).await? == 1)
    }

    /// Holders by their alias, behind this one; a thousand at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holders(&self, behind: &str) -> Result<Vec<Holder>, StoreError> {
        let rows = self.0.fetch_all(statements::HOLDERS, params![behind, 1000_u64]).await?;
        let read = |row: &Row| {
            let keyring: String = row.get("keyring")?;
            let keyring = keyring.parse::<KeyringId>().ok();
            let (alias, time) = (row.get("alias")?, row.get("time")?);
            Ok(keyring.map(|keyring| Holder { alias, keyring, time }))
        };
        rows.iter().filter_map(|row| read(row).transpose()).collect()
    }

    /// Keeps what shows who logged in, before anybody is told that they did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep(&self, agreed: &Agreed, client: &ClientId) -> Result<(), StoreError> {
        let values = params![
            agreed.id.to_string(),
            agreed.time,
            client.as_str(),
            agreed.keyring.to_string(),
            agreed.index,
            agreed.request.as_str(),
            agreed.proof.as_str()
        ];
        self.0.execute(statements::KEEP_LOGIN, values).await.map(drop)
    }

    /// One login.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn login(&self, id: KeyringRequestId) -> Result<Option<KeptLogin>, StoreError> {
        let row = self.0.fetch_optional(statements::LOGIN, params![id.to_string()]).await?;
        row.as_ref().map(read_login).transpose()
    }

    /// Logins, the last first: before this time and id, of this client and keyring where they are named; a hundred at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn logins(
        &self,
        before: (u64, &str),
        client: &str,
        keyring: &str,
    ) -> Result<Vec<KeptLogin>, StoreError> {
        let values = params![before.0, before.1, client, keyring, 100_u64];
        self.0.fetch_all(statements::LOGINS, values).await?.iter().map(read_login).collect()
    }

    /// Forgets what is older than the operator keeps it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, before: u64) -> Result<u64, StoreError> {
        self.0.execute(statements::FORGET_LOGINS, params![before]).await
    }
}

fn read_login(row: &Row) -> Result<KeptLogin, StoreError> {
    Ok(KeptLogin {
        id: row.get("id")?,
        time: row.get("time")?,
        client: row.get("client")?,
        keyring: row.get("keyring")?,
        index: row.get("log_index")?,
        request: row.get("request")?,
        proof: row.get("proof")?,
    })
}
