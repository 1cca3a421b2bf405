//! Behaviours of the trace room, against published vectors, outside judges and random input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod evidence_vectors;
mod merkle_vectors;
mod support;
mod the_map_has_one_current_version;
