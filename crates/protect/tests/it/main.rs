//! Rows about protected data. The keyfront as a whole is judged by `tests/judges/protect_caller.py`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod data_are_searched_page_by_page;
mod every_statement_prepares_on_postgresql;
mod rows_are_kept_as_they_were_given;
mod the_console_is_for_administrators;
