//! Calls that are tokens (RFC 7519) signed by RSA, and their answers, which are tokens too: the profile of applications that know no other algorithms.
//! `docs/protect-by-tokens.md` says what they look like.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{KeptRow, Told};
use crate::wire::{AttestedRow, Code, Refusal};
use crate::{ApplicationId, Base64Url};

/// The longest call, in characters: 64 KiB.
pub const LONGEST_CALL: usize = 64 * 1024;

/// A call on its way to the element, which finds the datum's row itself: who carries it may not be able to read which datum it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedByToken {
    /// The call: a compact JWS, or a compact JWE around one.
    pub call: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
}

/// The element's answer to a call that an application signed, a refusal too: durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedAnswer {
    /// What the caller gets: a compact JWS under the element's key, or a compact JWE around it.
    pub token: String,
    /// Why it was refused, for whoever carries it; none where it was granted.
    pub refused: Option<Code>,
    /// The row's new version, where it has one, for the database to keep.
    pub changed: Option<(AttestedRow, KeptRow)>,
}

/// What the element signs of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct AnswerClaims {
    /// The log's name.
    pub iss: String,
    /// The application that called.
    pub aud: ApplicationId,
    /// When it was signed, in Unix seconds.
    pub iat: u64,
    /// Of this answer, never used before.
    pub jti: String,
    /// The `jti` of the call.
    pub call: String,
    /// SHA-256 of the call, as it was signed: the compact JWS.
    pub call_sha256: Base64Url,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Told>,
    /// Why nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ToldRefusal>,
}

/// A refusal in a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldRefusal {
    /// The HTTP status.
    pub status: u16,
    /// What programs match on.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl ToldRefusal {
    /// Of a refusal of the element's.
    #[must_use]
    pub fn of(refusal: Refusal) -> Self {
        let Refusal { code, detail } = refusal;
        Self { status: code.http_status(), code: code.as_str().to_owned(), detail }
    }
}
