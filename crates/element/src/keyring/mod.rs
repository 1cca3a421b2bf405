//! Keyrings at the element: its keys, contexts of messages, and what each message asks.
//!
//! The rules and the state have the last word ([`crate::rules`]); here messages are opened and verified, secrets are used, and answers are sealed. This part must
//! never answer in clear what is not for everyone, never use a holder's key before the PIN is proven and the consent compared, and never let a signature out
//! before its record is durable.

mod activate;
mod certify;
mod context;
mod contexts;
mod conversation;
mod face;
mod faces;
mod keys;
mod login;
mod long;
mod make;
mod prepared;
mod roaming;
mod secrets;
mod shares;
mod signers;
mod standing;
mod stop;
mod terminals;
mod uses;

pub(crate) use conversation::{Arrived, Desk, Pending, Step, Turn};
pub use faces::Faces;
pub use keys::{KeyringKeys, KeyringsError};
pub(crate) use long::Long;
pub use prepared::{By, KeyringAct, NewRow, PreparedKeyring, RecordDetails, RequestFact, TerminalsChange};
#[cfg(test)]
pub(crate) use shares::behalf_of;
