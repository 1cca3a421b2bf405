//! A platform's accounts with everything real but the socket to the element, the clock and the authenticator.

mod element;
mod passkey;
mod provider;
pub mod signing_in;
mod world;

pub use element::InProcessElement;
pub use passkey::SoftPasskey;
pub use provider::{Double, ISSUER};
pub use world::{Answer, ORIGIN, Person, World, token_of};
