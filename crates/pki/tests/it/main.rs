//! The room's behaviours, with OpenSSL and NSS as outside judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod certificates_satisfy_openssl;
mod outside;
