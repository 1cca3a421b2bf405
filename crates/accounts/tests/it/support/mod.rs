//! A platform's accounts with everything real but the socket to the element, the clock and the authenticator.

mod element;
mod passkey;
mod world;

pub use element::InProcessElement;
pub use passkey::SoftPasskey;
pub use world::{Answer, ORIGIN, Person, World, token_of};
