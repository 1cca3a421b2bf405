//! What a client does when the platform is its enemy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests state what must hold")]

mod a_connector_reads_anything;
mod a_hostile_platform_gets_nothing;
mod platform;
