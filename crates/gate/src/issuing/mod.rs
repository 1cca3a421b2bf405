//! Certificates that the gate gets for its listeners by itself: from an authority that speaks ACME (RFC 8555), or from a certification authority of this house
//! through a folder. The key is made here, and no other is ever asked with.
//!
//! It must never show what it did not check, never give up the certificate in use before another is in its place, and never ask an authority in
//! haste: what failed waits, over restarts too.

mod acme;
mod exchange;
mod gathering;
mod keeper;
mod obtained;
mod pace;
mod plain;
mod settings;
mod shown;
mod source;
mod standing;
mod store;
mod trouble;

pub(crate) use gathering::{Gathering, names_of};
pub(crate) use keeper::Issuing;
pub(crate) use obtained::Obtained;
pub(crate) use plain::open;
pub(crate) use settings::{AcmeTable, CaTable};
pub(crate) use shown::{Ours, Way};

/// Milliseconds.
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
