//! Behaviours of the trace room, against published vectors, outside judges and random input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold
#![allow(clippy::disallowed_methods)] // and give actions that no program records

mod a_policy_asks_for_its_quorum;
mod a_record_has_one_spelling;
mod a_witness_admits_what_extends;
mod a_witness_cosigns;
mod commitments_hide_and_openings_show;
mod every_proof_verifies_and_no_other;
mod evidence_vectors;
mod merkle_vectors;
mod notes_are_signed_notes;
mod outside_judges_agree;
mod parsers_never_panic;
mod policy_vectors;
mod support;
mod the_map_has_one_current_version;
mod tiles_are_as_c2sp_says;
