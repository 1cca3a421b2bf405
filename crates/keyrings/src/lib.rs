//! The platform's host of keyrings: it carries what actors and terminals say to the element, and cannot read it.
//!
//! This room must never hold a key, a factor, a PIN or a name of a holder, and never decide anything: the element does, by its own journal.

mod http;

pub use http::routes;
