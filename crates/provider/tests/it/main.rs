//! The provider's endpoints and pages as sites and browsers call them; holders answer as the test says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod a_login_is_of_its_browser;
mod a_site_polls_without_a_browser;
mod codes_and_tokens_end;
mod every_statement_prepares_on_postgresql;
mod requests_are_of_registered_sites;
mod sites_prove_who_they_are;
mod stage;
mod strangers_learn_and_spend_nothing;
mod the_provider_has_its_document;
