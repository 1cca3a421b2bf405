//! The gate between clients and upstreams that we did not write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod a_closed_connection_costs_no_request;
mod a_plain_listener_is_for_this_machine;
mod a_profile_says_who_calls;
mod a_statement_says_how;
mod balancers_say_whom_they_carry;
mod calls_go_out_with_our_certificate;
mod certificates_come_from_an_authority;
mod codes_are_documented;
mod http_2_does_not_become_two_requests;
mod kept;
mod keys_stay_in_a_token;
mod lists;
mod lists_are_kept_current;
mod nobody_gets_around_the_guard;
mod others;
mod outside;
mod pebble;
mod requests_are_bounded;
mod requests_are_told;
mod responders;
mod responders_are_asked;
mod responses_are_stapled;
mod services_are_reached;
mod services_are_told_whom_they_speak_to;
mod services_speak_http_2;
mod services_want_proof;
mod the_check_is_honest;
mod the_file_is_read_again;
mod the_program_says_how_it_ends;
mod two;
mod websockets_are_judged_too;
mod what_a_gate_does_is_seen;
mod where_no_list_speaks_requests_pass_for_a_while;
mod who_calls_is_judged_on_each_request;
