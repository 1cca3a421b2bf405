//! The room's behaviours, with OpenSSL and NSS as outside judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod a_list_names_ten_million;
mod answers_of_responders_are_judged;
mod browsers_import_pkcs12;
mod certificates_are_handed_over_alone;
mod certificates_satisfy_openssl;
mod clients_are_judged_with_reasons;
mod demands_are_met_or_not;
mod foreign_questions_and_answers_are_read;
mod handshakes_ask_and_do_not_demand;
mod limbo;
mod names_keep_what_they_say;
mod offered;
mod openssl_and_our_responder_agree;
mod openssl_speaks_to_our_server;
mod openssl_stamps_and_is_believed;
mod outside;
mod pkits;
mod profiles_say_what_a_platform_asks_for;
mod requests_satisfy_openssl;
mod revocation_lists_are_read_with_care;
mod servers_hand_out_responses;
mod stamp_maker;
mod stamps_are_judged_alike;
mod what_an_authority_answers_is_checked;
mod what_was_taken_back_is_refused;
