//! Calls of applications about their data: what is signed, how it is read, and what is answered. Pure.
//!
//! A call is a compact JWS whose `typ` is [`sceau_crypto::Typ::ProtectCall`], under a key that the application registered. What is read of it before its signature was
//! verified says whose keys to look for and which row to bring, and decides nothing.

mod answer;
mod batch;
mod call;
mod content;
mod data_key;
mod erasure;
mod id_token;
mod jwk;
mod names;
mod opening;
mod operation;
mod plain;
mod proven;
mod rules;
mod tokens;
mod trace_line;

pub use answer::{Access, Accesses, AskedOfDatum, Called, KeptRow, Told};
pub use batch::{
    AskedOfData, Batch, BatchClaims, BatchOperation, CalledMany, LONGEST_BATCH, MOST_DATA, Many, OfBatch,
    ToldMany, ToldOf,
};
pub use call::{
    Authorisation, Claims, ClaimsError, Create, LIFETIME, MOST_ACCESSES, Of, OfAccesses, OfGrant, Open,
    Operation, SKEW, ToGrant, ToLast, ToRule, issuer,
};
pub use content::{CONTENT_REFUSED, ContentClaims, ContentProfile, ContentToSign};
pub use data_key::{CbcKey, DataKey, DataKeyError, Session};
pub use erasure::{Erasure, ErasureError, Happened, Kept, NotCovered, VerifiedErasure};
pub use id_token::IdToken;
pub use jwk::{KeyMembers, SessionKey};
pub use names::{DatumId, Grantee, UserId};
pub(crate) use names::{are_tags, is_datum_name};
pub(crate) use plain::is_legible;
pub use plain::is_plain;
pub use proven::{ANSWER, AnswerParts, UnprovenAnswer};
pub use rules::{Bound, Day, Hours, Offset, Rules, SecondPerson, TimeOfDay};
pub use tokens::{AnswerClaims, AskedByToken, LONGEST_CALL, SignedAnswer, ToldRefusal};
pub use trace_line::{MOST_TRACE_LINES, TraceLine, TraceLines};
