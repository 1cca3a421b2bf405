//! Behaviours of the accounts, each in a file named after it, against the element's own deciding core in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    missing_docs,
    unreachable_pub,
    reason = "tests state what must hold"
)]

mod support;

mod a_crash_strands_no_registration;
mod a_further_passkey_needs_one_before;
mod a_provider_signs_people_in;
mod a_row_that_was_not_attested_is_refused;
mod access_tokens_of_a_provider_are_judged;
mod an_identity_opens_the_account_it_was_linked_to;
mod each_role_reaches_its_routes_only;
mod every_statement_prepares_on_postgresql;
mod guessing_a_password_gets_slower;
mod invitations_work_once;
mod machines_get_short_tokens;
mod passkeys_sign_in;
mod proxies_say_for_whom_they_ask;
mod requests_from_elsewhere_are_refused;
mod sessions_end;
mod the_log_tells_no_addresses;
