//! What travels beside a call, and what is answered.

use std::net::IpAddr;

use sceau_trace::Evidence;
use serde::{Deserialize, Serialize};

use super::{DatumId, Erasure, Grantee, UserId};
use crate::Base64Url;
use crate::wire::AttestedRow;

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
    /// The accesses, where they were asked for.
    pub accesses: Option<Accesses>,
    /// The certificate of erasure, where it was asked for.
    pub erasure: Option<Erasure>,
    /// That the log has the record of this answer, where the call asks for it; it shows nobody's name.
    pub proof: Option<Evidence>,
}

/// Calls about a datum that are on record, the last one first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accesses {
    /// The calls.
    pub list: Vec<Access>,
    /// Where to go on (`before` of the next call); none where there are no more.
    pub next: Option<u64>,
}

/// A call about a datum, as its record has it.
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
    /// The user, in the application's words.
    pub user: UserId,
    /// Where the call came from, in the word of whoever carried it.
    pub address: Option<IpAddr>,
    /// The key of the application that signed it.
    pub signer: String,
    /// Whose authorisation it was about.
    pub to: Option<Grantee>,
}
