//! RabbitMQ, as Mon Compte Mobilité's clients know it: a headers exchange, two quorum queues for each company, over TLS only.
//!
//! What guarantees that a company sees and speaks for itself only: each has a *virtual host* of its own and a login that has
//! permissions there and nowhere else ([`definitions`]). Exchange and queues have the protocol's names inside it. In one shared virtual
//! host nothing could: a headers exchange routes by what the sender writes into the message. Where a message carries `user_id`, which
//! the broker itself checks against the connection, [`Consumer`] hands it on, so that it can be compared with the company's login.
//!
//! Publishing waits for the broker's confirm and is mandatory: what no queue takes is an error, not a loss. Consuming acknowledges after
//! the handler made its verdict durable. Both reconnect by themselves.

mod broker;
mod company;
mod consumer;
mod definitions;
mod publisher;

pub use broker::{Broker, BusError};
pub use company::{Company, NotACompany};
pub use consumer::{Consumer, Received, Verdict};
pub use definitions::{BusLogin, Provision, definitions};
pub use publisher::Publisher;

/// The exchange of every virtual host.
pub const EXCHANGE: &str = "mob.headers";
/// The header that routes.
pub const MESSAGE_TYPE: &str = "message_type";
