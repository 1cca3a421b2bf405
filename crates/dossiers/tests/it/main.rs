//! Behaviours of the dossiers, each in a file named after it, against a real element in this process and over real sockets.
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

mod element;
mod reviewed;
mod support;

mod a_company_decides_over_the_bus;
mod a_connector_follows_its_feed;
mod a_root_is_replaced;
mod a_suspended_officer_reads_no_longer;
mod a_tampered_dossier_hides_no_other;
mod an_organisations_name_is_held_to_the_log;
mod each_role_reaches_its_routes_only;
mod every_statement_prepares_on_postgresql;
mod evidence_shows_each_reader_what_it_may_know;
mod floods_are_held;
mod letters_are_sent_once;
mod mob;
mod more_information_is_asked_and_given;
mod objects_without_a_row_are_swept;
mod only_a_key_manager_rewraps;
mod only_a_key_managers_page_reads_across_origins;
mod problem_codes_are_as_documented;
mod the_api_is_as_documented;
mod tickets_and_reading_sessions_expire;
mod unfinished_deposits_take_up_bounded_space;
mod webhooks_are_signed_and_tried_again;
mod webhooks_reach_no_inner_network;
mod what_was_given_up_is_seen_and_handled;
mod what_was_left_alone_is_forgotten;
mod what_was_sent_stays_as_it_was;
