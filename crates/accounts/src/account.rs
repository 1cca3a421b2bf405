//! An account as it is used: its role comes from the attested document, never from a column.

use sceau_element_api::documents::{AccountDocument, AccountStatus, Document, Parsed, Remit};
use sceau_element_api::wire::{AttestedRow, RowKey};
use sceau_element_api::{AccountId, Kind, OrganisationId, Role};
use sceau_store::{Row, params};
use sceau_trace::Actor;

use crate::schema::statements;
use crate::{Accounts, AccountsError};

/// How a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMethod {
    /// With a passkey.
    Passkey,
    /// With a password; citizens only.
    Password,
    /// In the word of a provider of identities; those roles only that it was given. It proves nothing to the element.
    Provider,
}

impl LoginMethod {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::Provider => "provider",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Passkey, Self::Password, Self::Provider].into_iter().find(|method| method.as_str() == text)
    }
}

/// A person's account whose row was just found to be what the element attested.
#[derive(Clone)]
pub struct Account {
    /// Its id, the only part of it that the trace sees.
    pub id: AccountId,
    /// Address, as the database says; personal data.
    pub email: String,
    /// Name, as the database says; personal data.
    pub name: String,
    /// Its role, as attested.
    pub role: Role,
    /// The organisation that the role is held in, as attested.
    pub organisation: Option<OrganisationId>,
    /// The protected data that are its to look at and act on, as attested.
    pub remit: Option<Remit>,
}

/// Shows the id and the role only.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({} {})", self.id, self.role)
    }
}

impl Account {
    /// The account as the actor of a trace record.
    pub fn actor(&self) -> Actor {
        actor(self.role, self.id)
    }
}

pub(crate) fn actor(role: Role, id: AccountId) -> Actor {
    Actor::new(role.into(), id.to_string())
}

/// A row that was read but not yet compared with the element's word.
pub(crate) struct UnverifiedAccount {
    row: Row,
    id: AccountId,
    parsed: Parsed<AccountDocument>,
}

impl UnverifiedAccount {
    /// Reads the row of `id`; a document of another account in it is a swapped row.
    pub(crate) fn read(row: Row, id: AccountId) -> Result<Self, AccountsError> {
        let payload: Vec<u8> = row.get("payload")?;
        match AccountDocument::parse(&payload) {
            Ok(parsed) if parsed.document.account == id => Ok(Self { row, id, parsed }),
            _ => Err(AccountsError::Tampered { kind: "account" }),
        }
    }

    pub(crate) fn key(&self) -> RowKey {
        RowKey { kind: Kind::Account, id: self.id.into() }
    }

    /// Compares with what the element says is current.
    pub(crate) fn verify(self, current: Option<AttestedRow>) -> Result<Account, AccountsError> {
        let attested = current.is_some_and(|current| current.hash == self.parsed.hash);
        if !attested {
            return Err(AccountsError::Tampered { kind: "account" });
        }
        let document = self.parsed.document;
        if document.status != AccountStatus::Active {
            return Err(AccountsError::Credentials);
        }
        Ok(Account {
            id: self.id,
            email: self.row.get("email")?,
            name: self.row.get("name")?,
            role: document.role,
            remit: document.remit(),
            organisation: document.organisation,
        })
    }
}

impl Accounts {
    /// An account by its id, compared with the element's word; none if there is no such active account.
    ///
    /// # Errors
    /// [`AccountsError::Tampered`], which is also recorded.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, AccountsError> {
        match self.unverified_account(id).await.transpose() {
            Some(unverified) => self.verified_account(id, unverified).await.map(Some),
            None => Ok(None),
        }
    }

    /// The account `id` whose row was read, compared with the element's word.
    ///
    /// # Errors
    /// As [`Accounts::account`].
    pub(crate) async fn verified_account(
        &self,
        id: AccountId,
        read: Result<UnverifiedAccount, AccountsError>,
    ) -> Result<Account, AccountsError> {
        let checked = async {
            let unverified = read?;
            let current = self.inner.element.current(unverified.key()).await?;
            unverified.verify(current)
        };
        let result = checked.await;
        self.record_tampering(id, &result).await;
        result
    }

    pub(crate) async fn unverified_account(
        &self,
        id: AccountId,
    ) -> Result<Option<UnverifiedAccount>, AccountsError> {
        let row =
            self.inner.database.fetch_optional(statements::FIND_ACCOUNT, params![id.to_string()]).await?;
        row.map(|row| UnverifiedAccount::read(row, id)).transpose()
    }
}
