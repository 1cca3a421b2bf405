//! What travels beside a call, and what is answered.

use std::net::IpAddr;

use sceau_trace::{Action, Evidence};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DatumId, Erasure, Grantee, UserId};
use crate::wire::AttestedRow;
use crate::{ActId, Base64Url};

/// A call on its way to the element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedOfDatum {
    /// The call, as the application signed it.
    pub call: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// The datum's row as the database has it; none for a new datum, or where there is none.
    pub row: Option<KeptRow>,
}

/// A datum's row: what the database keeps, and the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptRow {
    /// The exact bytes of the document.
    pub payload: Base64Url,
    /// The salt of its key, sealed under the tenant's epoch key; empty for rows of other kinds.
    pub salt: Base64Url,
}

/// A call that was granted: its record is durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// Index of its record.
    pub index: u64,
    /// The datum.
    pub datum: DatumId,
    /// The row's new version, where it has one, for the database to keep.
    pub changed: Option<(AttestedRow, KeptRow)>,
    /// The data key under the datum's key, where one was asked for. Only the element opens it.
    pub wrapped_key: Option<Base64Url>,
    /// The data key for the caller: a compact JWE to the session key of the call.
    pub data_key: Option<String>,
    /// The provider of identities that proved who the user is; none where the application asserts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_by: Option<String>,
    /// The accesses, where they were asked for.
    pub accesses: Option<Accesses>,
    /// The certificate of erasure, where it was asked for.
    pub erasure: Option<Erasure>,
    /// That the log has the record of this answer, where the call asks for it; it shows nobody's name.
    pub proof: Option<Evidence>,
}

/// What a caller is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// The datum.
    pub datum: DatumId,
    /// Index of the call's record in the log.
    pub index: u64,
    /// The data key under the datum's key, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped_key: Option<Base64Url>,
    /// The data key for the caller: a compact JWE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_key: Option<String>,
    /// What is kept of the datum, as it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<RawValue>>,
    /// The accesses, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accesses: Option<Accesses>,
    /// The certificate of erasure, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Erasure>,
    /// That the log has the record of this answer, where the call asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Evidence>,
}

impl Told {
    /// Of a call that was granted; `document` is what is said of the datum, where that is answered.
    #[must_use]
    pub fn of(called: Called, document: Option<&[u8]>) -> Self {
        Self {
            datum: called.datum,
            index: called.index,
            wrapped_key: called.wrapped_key,
            data_key: called.data_key,
            document: document.and_then(|bytes| serde_json::from_slice(bytes).ok()),
            accesses: called.accesses,
            erasure: called.erasure,
            proof: called.proof,
        }
    }
}

/// What is on record about a datum, the last one first: calls, acts of the organisation's people, and contents that the keystore signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accesses {
    /// They.
    pub list: Vec<Access>,
    /// Where to go on (`before` of the next call); none where there are no more.
    pub next: Option<u64>,
}

/// A call about a datum, an act on it, or a signature of its content, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Index of its record.
    pub index: u64,
    /// When, in Unix milliseconds.
    pub time: u64,
    /// What was asked: an action of the log's.
    pub action: String,
    /// Why it was refused; none where it was granted.
    pub refused: Option<String>,
    /// The user, in the application's words, and none where that is forgotten; of an act on data, the account of who signed it; of a signature
    /// of a content, which is nobody's call, none.
    pub user: Option<UserId>,
    /// The provider of identities that proved who the user is; none where the application asserts it, or nobody could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_by: Option<String>,
    /// Where the call came from, in the word of whoever carried it.
    pub address: Option<IpAddr>,
    /// The key of the application that signed it; of an act on data, `passkey`; of a signature of a content, `element`.
    pub signer: String,
    /// Whose authorisation it was about.
    pub to: Option<Grantee>,
    /// Who asked, from where and whose authorisation it was about are forgotten: the element keeps that for so long as its operator says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
    /// The act of administrators or data officers, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActId>,
}

impl Access {
    /// Whether it is a content that the keystore signed, which the application has no call of.
    #[must_use]
    pub fn is_signature(&self) -> bool {
        self.action == Action::DATUM_SIGN.as_str()
    }
}
