//! The gate between clients and upstreams that we did not write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod kept;
mod lists;
mod lists_are_kept_current;
mod outside;
mod who_calls_is_judged_on_each_request;
