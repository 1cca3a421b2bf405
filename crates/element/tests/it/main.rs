//! The element as its callers, its disk and its enemies see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

#[path = "../../../element-api/tests/it/authenticator.rs"]
mod authenticator;
mod confined;
mod hostile_platform;
mod house;
mod journal;
mod keyrings;
mod keys_in_a_token;
mod keys_that_hang;
mod kill;
mod killed_under_calls;
mod machine;
mod other_logs;
mod protection;
mod reached_by_a_group;
mod reads;
mod records;
mod rules;
mod standby;
mod starting;
mod the_log_shows_no_person;
mod token_gone_under_calls;
mod token_on_bad_days;
