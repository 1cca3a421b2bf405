//! The API as applications call it; holders answer as the test says, with the keys of their certificates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what must hold"
)]

mod answers_wait_for_whom_they_are;
mod nobody_takes_the_places_of_others;
mod stage;
mod the_api_has_its_document;
