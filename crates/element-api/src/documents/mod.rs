//! The documents that the element attests: their wire types, their limits, and how each is read strictly.
//!
//! A document is hashed over the exact bytes that were signed, and never serialised again: [`Parsed`] keeps both.

mod account;
mod act;
mod application;
mod credential;
mod datum;
mod decision;
mod dossier;
mod funder_key;
mod headers;
mod identity;
mod key_statement;
mod manifest;
mod organisation;
mod provider;
mod scanned;
mod scheme;

pub use account::{AccountDocument, AccountStatus, Remit};
pub use act::{ActDecision, Decided, Does, ProtectAct};
pub use application::{ApplicationDocument, ApplicationKey, ApplicationStatus, KeyPurpose, KeyStanding};
pub use credential::{CredentialDocument, CredentialStatus};
pub(crate) use datum::MOST_GRANTS;
pub use datum::{Datum, DatumStatus, Erased, Grant, GrantStatus, HeldBy};
pub use decision::{Decision, DecisionRole, Outcome, is_connector_name};
pub use dossier::{DossierPhase, DossierState};
pub use funder_key::FunderKey;
pub use headers::HeaderList;
pub use identity::{IdentityDocument, IdentityStatus};
pub use key_statement::{KeyStatement, KeySuite, KeyUse};
pub use manifest::{AnswerValue, Answers, Manifest, SealedAnswers, SealedFile};
pub use organisation::OrganisationDocument;
pub use provider::{MOST_PROVIDER_KEYS, ProviderKey, TOKEN_AGE, UserClaim, UserProvider};
pub use scanned::{Found, IntakeHost, IntakeWord, WordFault};
pub use scheme::{Choice, FieldKind, FormField, Intake, RequestedFile, SchemeDocument, Text};

use sceau_trace::Hash;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Kind, RowId};

/// The largest document, in bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// Bytes that are not the document that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("the document exceeds {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// Not JSON of the document's shape; unknown fields count.
    #[error("not a document of the expected shape: {0}")]
    Shape(String),
    /// A field whose value is outside its limits.
    #[error("field {field}: {rule}")]
    Field {
        /// The field at fault.
        field: &'static str,
        /// What its value must be.
        rule: &'static str,
    },
    /// A version of the document's format that this program does not read.
    #[error("format version {0} is unknown")]
    Version(u32),
    /// The signature, its key or its label is wrong.
    #[error("the signature does not verify under the pinned key")]
    Signature,
}

/// A document that has been read: its content and the hash of its exact bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// The content.
    pub document: T,
    /// SHA-256 of the bytes that were read.
    pub hash: Hash,
}

/// A document whose signature verified under a key that the caller had pinned.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T> {
    document: T,
    hash: Hash,
}

impl<T> Verified<T> {
    pub(crate) fn new(document: T, payload: &[u8]) -> Self {
        Self { document, hash: sceau_trace::sha256(payload) }
    }

    /// The content.
    #[must_use]
    pub fn document(&self) -> &T {
        &self.document
    }

    /// The content, by value.
    #[must_use]
    pub fn into_document(self) -> T {
        self.document
    }

    /// SHA-256 of the signed bytes.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// What every attested document can do.
pub trait Document: Serialize + DeserializeOwned + Sized {
    /// The kind of its row.
    const KIND: Kind;

    /// The identifier of its row within the kind.
    fn row(&self) -> RowId;

    /// Checks the limits that its shape does not express.
    ///
    /// # Errors
    /// [`DocumentError::Field`] or [`DocumentError::Version`].
    fn check(&self) -> Result<(), DocumentError>;

    /// Reads the exact bytes of a document: size, shape, limits.
    ///
    /// # Errors
    /// When the bytes are not such a document.
    fn parse(bytes: &[u8]) -> Result<Parsed<Self>, DocumentError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(DocumentError::TooLarge);
        }
        let document: Self =
            serde_json::from_slice(bytes).map_err(|error| DocumentError::Shape(shape(&error)))?;
        document.check()?;
        Ok(Parsed { document, hash: sceau_trace::sha256(bytes) })
    }

    /// Makes the bytes of a new document. They are made once, then kept and signed as they are.
    ///
    /// # Errors
    /// When the document breaks its own limits.
    fn to_bytes(&self) -> Result<Vec<u8>, DocumentError> {
        self.check()?;
        serde_json::to_vec(self).map_err(|error| DocumentError::Shape(shape(&error)))
    }
}

/// Where JSON went wrong, without the text that was read: it may be personal.
fn shape(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}

/// The one format version so far.
pub(crate) fn version_one(v: u32) -> Result<(), DocumentError> {
    if v == 1 { Ok(()) } else { Err(DocumentError::Version(v)) }
}

/// A rule on a field.
pub(crate) fn field(holds: bool, field: &'static str, rule: &'static str) -> Result<(), DocumentError> {
    if holds { Ok(()) } else { Err(DocumentError::Field { field, rule }) }
}

/// A text for people: not empty, bounded, without control characters (line ends allowed where `lines`).
fn text(value: &str, max: usize, lines: bool) -> bool {
    !value.trim().is_empty()
        && value.chars().count() <= max
        && value.chars().all(|c| !c.is_control() || (lines && c == '\n'))
}
