//! The biometric process: what it answers, and what it refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests state what must hold")]

mod confined;
mod models;
mod program;
mod questions;
#[expect(unreachable_pub, reason = "the system's tests make it too")]
mod tiny_model;
