//! Rows about protected data, and bodies that the keyfront works on. The keyfront as a whole is judged by `tests/judges/protect_*.py`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod acts_change_the_lists_at_once;
#[path = "../../../element-api/tests/it/authenticator.rs"]
#[allow(dead_code, reason = "the element's tests ask more of it")]
mod authenticator;
mod bodies;
#[path = "../../../element/tests/it/protection/caller.rs"]
#[allow(dead_code, reason = "the element's tests ask more of it")]
mod caller;
mod callers_show_certificates;
mod certificates_are_their_organisations;
mod data_are_searched_page_by_page;
mod each_route_of_the_console_says_whose_it_is;
mod every_statement_prepares_on_postgresql;
#[path = "../../../element/tests/it/house/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the element's tests ask more of it")]
mod house;
mod many_data_by_one_call;
mod officers_see_their_applications_alone;
mod records_are_counted_and_found;
mod rows_are_kept_as_they_were_given;
mod rows_are_swept;
mod the_keyfront_has_its_document;
