//! Mon Compte Mobilité's messages, to the letter, and what a company may decide with them.
//!
//! A reply is a stranger's bytes until [`Reply::parse`] took it, and decides nothing until [`Subscriptions::decide`] found that the
//! subscription is of the company whose queue it came from. What is refused goes back with an [`ReplyError`].

mod bus;
mod error;
pub mod http;
mod letters;
mod message;
mod reply;
mod reply_fields;
mod settling;
mod subscriptions;

pub use bus::{BUS_TOPIC, ReplyDesk};
pub use error::ReplyError;
pub use letters::{MOB_LETTERS, statements as letter_statements};
pub use message::{Refused, SubscriptionMessage, ToProcess};
pub use reply::{Amount, Frequency, Outcome, Payment, Rejection, RejectionType, Reply, Validation};
pub use settling::{REPLY_TOPIC, statements as settling_statements};
pub(crate) use subscriptions::statements as subscription_statements;
pub use subscriptions::{Announced, DecisionRow, Subscriptions, statements};
