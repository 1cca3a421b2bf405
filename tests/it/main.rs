//! Whole-system behaviours: one module per behaviour, named after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod a_connector_believes_no_platform;
mod a_connector_hands_dossiers_over;
mod a_connector_is_killed_at_every_step;
mod a_connector_posts_dossiers;
mod a_cut_upload_goes_on;
mod a_dossier_goes_its_whole_way;
mod a_holder_types_on_a_terminal;
mod a_key_manager_is_made_anew_from_its_custodians;
mod a_keyring_is_stopped;
mod a_keyring_shows_who_it_is;
mod a_keyring_signs_a_hash;
mod a_keyring_signs_by_rsa;
mod a_lost_answer_loses_no_keyring;
mod a_platform_between_reads_no_code;
mod a_platform_that_swaps_the_recipient_key_is_caught;
mod a_refused_decision_is_seen_and_tried_again;
mod a_root_is_replaced;
mod a_scanned_dossier_goes_on;
mod a_stolen_platform_opens_nothing;
mod an_intake_shows_a_certificate_of_ones_own_authority;
mod an_officer_hands_over;
mod an_old_copy_of_the_element_is_not_started;
mod an_organisation_brings_its_own_authority;
mod an_organisation_made_for_mob_comes_as_it_is;
mod an_organisation_with_its_own_software_receives_and_decides;
mod clocks_are_off_by_five_minutes;
mod disks_are_full_where_keys_and_dossiers_are;
mod documents_are_scanned_as_they_come_in;
mod documents_are_scanned_before_they_are_shown;
mod dossiers_are_sealed_to_a_new_key;
mod eight_gibibytes_pass_through_the_command_line;
mod everybody_comes_to_the_platform_through_the_gate;
mod files_of_any_size_and_name_come_back;
mod kill_nine_loses_nothing;
mod killed_at_eight_points;
mod one_sender_does_not_hold_the_intake;
mod people_sign_in_by_a_provider;
mod random_kills_at_mobs_host;
mod random_kills_lose_nothing;
mod requests_wait_at_the_host;
mod servers_have_bad_days;
mod several_platforms_share_one_database;
mod slow_bodies_keep_no_holder_waiting;
mod swapped_and_damaged_objects_are_refused;
mod swapped_edited_and_rolled_back_rows_are_refused;
mod the_command_line_deposits;
mod the_doctor_asks_every_server;
mod the_doctor_asks_the_organisations_servers;
mod the_harness_itself;
mod the_intake_stands_up_to_hostile_documents;
mod the_platform_judges_what_the_gate_forwards;
mod the_public_log_names_nobody;
mod two_factors_activate_a_keyring;
mod two_windows_lose_no_keyring;
mod who_may_not_read_is_told_so_and_recorded;
mod witnesses_cosign_the_platforms_log;
