//! The Cloud Signature Consortium's API (version 2.0.0.2) over holders' keyrings: an application of a service provider asks, the holder agrees on a terminal, the application has the signatures.
//!
//! It runs where service providers are, never on the platform: it holds the key that requests to holders are signed by. Access control is that of the specification's SCAL 2: what the
//! application has is bound to the exact hashes that the holder saw, and each of them is given out once. This room must never take a PIN, show a holder words that could be read as
//! others, give one application what another one asked for, or call signed what the element's word was not verified of.

mod algorithms;
mod asking;
mod consents;
mod credentials;
mod documents;
mod error;
mod hashes;
mod http;
mod input;
mod kept;
mod rooms;
mod service;
mod stamps;
mod tokens;
mod whole;
mod words;

pub use asking::{Asked, AtHost, Became, Holders, Later, NotAsked};
pub use credentials::{Credential, CredentialError, Credentials};
pub use error::CscError;
pub use http::{PLACES, routes};
pub use service::{Plan, Service};
pub use stamps::{Stamps, Unstamped};
pub use tokens::{Bearer, Tokens, Turn};
pub use words::Lang;
