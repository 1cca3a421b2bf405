//! Rows about protected data, and bodies that the keyfront works on. The keyfront as a whole is judged by `tests/judges/protect_caller.py`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

#[path = "../../../element-api/tests/it/authenticator.rs"]
#[allow(dead_code, reason = "the element's tests ask more of it")]
mod authenticator;
mod bodies;
#[path = "../../../element/tests/it/protection/caller.rs"]
#[allow(dead_code, reason = "the element's tests ask more of it")]
mod caller;
mod data_are_searched_page_by_page;
mod every_statement_prepares_on_postgresql;
#[path = "../../../element/tests/it/house/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the element's tests ask more of it")]
mod house;
mod rows_are_kept_as_they_were_given;
mod the_console_is_for_administrators;
