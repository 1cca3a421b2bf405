//! Behaviour of the public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod altered_envelopes_are_refused;
mod foreign_bytes_never_panic;
mod mob_2022_is_what_node_makes;
mod mob_2022_refuses_what_its_manifest_does_not_name;
mod others_read_and_write_our_messages;
mod random_access_equals_sequential;
mod recipients_and_only_they_open;
mod rewrapping_keeps_the_hash;
mod secrets_do_not_show;
mod statements_have_vectors;
mod streams_of_any_size;
mod support;
