//! Behaviours of the key manager, each in a file named after it: a real one over real TLS, against a small platform with a real log.
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

mod a_key_is_destroyed_when_the_log_needs_it_no_more;
mod a_key_leaves_after_its_record;
mod a_list_does_not_take_back_what_a_newer_one_says;
mod a_restored_key_manager_is_not_lied_to;
mod a_root_is_replaced;
mod a_vaults_clients_hold_up_nobody;
mod administrators_do_not_read;
mod altered_state_is_refused;
mod an_old_folder_opens_nothing;
mod clients_of_a_vault_work_unchanged;
mod decisions_are_signed_and_delivered;
mod dossiers_are_sealed_to_the_new_key;
mod every_refusal_has_its_code;
mod every_statement_prepares_on_postgresql;
mod keys_are_kept_in_a_vault;
mod keys_are_published_to_mob;
mod keys_are_replaced_in_time;
mod kill_minus_nine_loses_nothing;
mod letters_tell_who_looks_after_the_keys;
mod only_what_the_antivirus_clears_leaves;
mod pages_carry_their_policy;
mod the_api_says_where_parameters_go;
mod the_calendar_tells_in_time;
mod the_platforms_log_is_watched;
mod what_is_taken_back_counts_at_once;
