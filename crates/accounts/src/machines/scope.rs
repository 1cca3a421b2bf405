//! What a machine may do, as values for the wire and as types for handlers.

use std::str::FromStr;

use crate::AccountsError;

/// What a machine may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// What a key manager does: publishes key statements, delivers records and decisions, asks for open dossiers.
    KeyManager,
    /// Deposits for people.
    Deposits,
    /// What a connector does: follows the feed of its organisation and fetches what is sealed for it.
    Receive,
}

impl Scope {
    const ALL: [Self; 3] = [Self::KeyManager, Self::Deposits, Self::Receive];

    /// The scope as in a token request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyManager => "key_manager",
            Self::Deposits => "deposits",
            Self::Receive => "dossiers.receive",
        }
    }

    /// A list as OAuth writes it: separated by spaces (RFC 6749 section 3.3).
    pub(crate) fn write_list(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, AccountsError> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl FromStr for Scope {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known
            .ok_or(AccountsError::Field { field: "scope", rule: "key_manager, deposits or dossiers.receive" })
    }
}

/// A scope as a type.
pub trait ScopeMarker: Send + Sync + 'static {
    /// The scope.
    const SCOPE: Scope;
}

/// [`Scope::KeyManager`].
#[derive(Debug, Clone, Copy)]
pub enum ForKeyManager {}

impl ScopeMarker for ForKeyManager {
    const SCOPE: Scope = Scope::KeyManager;
}

/// [`Scope::Deposits`].
#[derive(Debug, Clone, Copy)]
pub enum ForDeposits {}

impl ScopeMarker for ForDeposits {
    const SCOPE: Scope = Scope::Deposits;
}

/// [`Scope::Receive`].
#[derive(Debug, Clone, Copy)]
pub enum ForReceiving {}

impl ScopeMarker for ForReceiving {
    const SCOPE: Scope = Scope::Receive;
}
