//! Calls that are tokens: opened, and answered by tokens that the element signs. What they ask is judged as what every other call asks.
//!
//! Only what an application signed is answered by a token: whoever floods the element with anything else has no key of it sign.

mod answer;
mod keys;
mod opening;

pub(crate) use answer::AnswerTerms;
pub(crate) use keys::CallKey;
pub use keys::TokenKeys;
pub use opening::Opened;
