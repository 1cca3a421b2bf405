//! What a provider of identities (OpenID Connect) calls the person of an account. The provider's name for the person is not in it: a hash is.

use sceau_crypto::Label;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::{AccountId, Kind, RowId};

/// An identity of a provider, bound to one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// Format version, 1.
    pub v: u32,
    /// The account that it belongs to, for good.
    pub account: AccountId,
    /// The provider: the `iss` of its tokens.
    pub issuer: String,
    /// [`IdentityDocument::hash_of`] the issuer and the `sub` of its tokens.
    pub subject: Hash,
    /// Whether it opens the account.
    #[serde(default, skip_serializing_if = "IdentityStatus::is_active")]
    pub status: IdentityStatus,
}

/// Whether an identity is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityStatus {
    /// It opens its account.
    #[default]
    Active,
    /// It opens nothing any more.
    Ended,
}

impl IdentityStatus {
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

impl IdentityDocument {
    /// `SHA-256("sceau/identity" ‖ 00 ‖ SHA-256(issuer) ‖ subject)`: a `sub` is one person's at one issuer only (OpenID Connect Core 1.0,
    /// section 5.7), and the hash of one issuer's says nothing of another's.
    #[must_use]
    pub fn hash_of(issuer: &str, subject: &str) -> Hash {
        let issuer = sceau_trace::sha256(issuer.as_bytes());
        Hash::new(Label::Identity.hash(&[issuer.as_bytes(), subject.as_bytes()]))
    }

    /// The row of an identity, by its hash.
    #[must_use]
    pub fn row_of(subject: Hash) -> RowId {
        RowId::of_hash(subject)
    }
}

impl Document for IdentityDocument {
    const KIND: Kind = Kind::Identity;

    fn row(&self) -> RowId {
        Self::row_of(self.subject)
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        let schemed = self.issuer.starts_with("https://") || self.issuer.starts_with("http://");
        field(schemed && self.issuer.len() <= 300, "issuer", "a web address of at most 300 characters")
    }
}
