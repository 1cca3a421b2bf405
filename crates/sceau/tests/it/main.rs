//! The command line, run as people and scripts run it: the real program, real files and pipes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod a_gate_gives_its_place_to_another;
mod a_guide_says_what_is_next;
mod a_key_manager_keeps_its_memory;
mod a_partner_is_probed;
mod a_probe_explains_each_step;
mod a_refusal_ends_as_whose_fault_it_is;
mod a_responder_is_asked;
mod an_authority_answers_through_a_folder;
mod an_authority_of_ones_own_issues_and_takes_back;
mod an_authority_writes_what_a_health_authority_does;
mod authorities;
mod certificates_are_asked_for_and_put_together;
mod certificates_are_judged_and_watched;
mod damaged_envelopes_are_refused_and_leave_nothing;
mod files_appear_whole_or_not_at_all;
mod help_reads_as_reviewed;
mod keys_of_certificates_stay_in_a_token;
mod keys_stay_with_their_owner;
mod keystores_move_into_a_token;
mod names_from_senders_are_made_harmless;
mod others;
mod servers_of_others_ask_responders;
mod servers_of_others_judge_by_the_profile;
mod support;
mod the_bus_is_administered;
mod the_doctor_says_what_is_wrong;
mod the_gate_reads_its_file_again;
mod the_intake_judges_certificates;
mod the_keyfront_judges_certificates;
mod the_trace_is_verified_from_its_entries_up;
mod what_is_sealed_comes_back;
