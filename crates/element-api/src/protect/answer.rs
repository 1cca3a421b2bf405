//! What travels beside a call, and what is answered.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::DatumId;
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
}
