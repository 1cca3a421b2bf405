//! Signed documents, with OpenSSL and poppler's pdfsig as outside judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod documents;
mod outside;

mod a_small_document_costs_little;
mod hostile_documents_are_refused;
mod nothing_is_hidden_behind_a_signature;
mod others_find_our_signatures_valid;
mod signing_changes_nothing_that_is_shown;
mod what_follows_a_signature_is_told;
