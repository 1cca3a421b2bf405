//! The host's tables and documents. The host as a whole is judged by `tests/it/requests_wait_at_the_host.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod codes_are_as_documented;
mod every_statement_prepares_on_postgresql;
mod the_host_has_its_document;
