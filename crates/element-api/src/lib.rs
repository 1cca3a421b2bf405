//! The element's operations: the documents that it attests, the proofs that it demands, and how to call it.
//!
//! Everything but [`Client`] is pure: bytes and time come in. This room must never hold a private key, and never accept a
//! document or a proof that it cannot read to the last byte. `docs/element-operations.md` says what each operation demands.

mod cidr;
mod client;
mod encoding;
mod framing;
mod ids;
mod kinds;

pub mod documents;
pub mod keyring;
pub mod problem;
pub mod proof;
pub mod protect;
pub mod wire;

pub use cidr::{Cidr, NotACidr};
pub use client::{CallError, Client, DEADLINE};
pub use encoding::{Base64Url, Nonce};
pub use framing::{FrameError, MAX_FRAME, read_frame, take_frame, write_frame};
pub use ids::{
    AccountId, ActId, ApplicationId, DossierId, KeyringActorId, KeyringId, KeyringRequestId, MAX_ROW_ID,
    MalformedId, OrganisationId, PolicyId, RowId, SchemeId, TerminalId,
};
pub use kinds::{Kind, Role};
