//! Calls of applications about their data: what is signed, how it is read, and what is answered. Pure.
//!
//! A call is a compact JWS whose `typ` is [`sceau_crypto::Typ::ProtectCall`], under a key that the application registered. What is read of it before its signature was
//! verified says whose keys to look for and which row to bring, and decides nothing.

mod answer;
mod call;
mod data_key;
mod erasure;
mod jwk;
mod names;
mod opening;
mod proven;
mod rules;

pub use answer::{Access, Accesses, AskedOfDatum, Called, KeptRow};
pub use call::{
    Authorisation, Claims, ClaimsError, Create, LIFETIME, MOST_ACCESSES, Of, OfAccesses, OfGrant, Open,
    Operation, SKEW, ToGrant, ToRule, issuer,
};
pub use data_key::{DataKey, DataKeyError, Session};
pub use erasure::{Erasure, ErasureError, Happened, Kept, NotCovered, VerifiedErasure};
pub use jwk::{KeyMembers, SessionKey};
pub use names::{DatumId, Grantee, UserId};
pub(crate) use names::{are_tags, is_datum_name};
pub use proven::{ANSWER, AnswerParts, UnprovenAnswer};
pub use rules::{Bound, Day, Hours, Offset, Rules, TimeOfDay};
