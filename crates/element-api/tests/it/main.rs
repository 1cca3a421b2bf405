//! The element's operations as callers and the element itself use them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod authenticator;
mod calls;
mod claims;
mod documents;
mod passkeys;
