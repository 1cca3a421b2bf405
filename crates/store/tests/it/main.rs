//! Behaviours of the store, each in a file named after it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests state what must hold"
)]

mod an_s3_store_may_fall_ill;
mod another_program_may_hold_the_file;
mod antivirus;
#[macro_use]
mod ground;

mod bus;

mod a_server_that_restarts_loses_nothing;
mod connections_are_kept_for_the_next;
mod every_statement_prepares_on_postgresql;
mod letters_reach_a_mail_server;
mod mail_cannot_be_given_headers;
mod objects_are_durable_and_opaque;
mod records_survive_and_stay_typed;
mod the_log_of_a_file_stays_short;
mod the_outbox_delivers_at_least_once;
