//! What organisations' own machines receive: an ordered feed of what concerns each organisation, the way to the ciphertext, and webhooks
//! that say that there is news.
//!
//! The feed and the webhooks name dossiers; they hold no answer, no file name and no key. A webhook is a hint: whoever misses it finds the same in
//! the feed.

mod connectors;
mod feed;
mod reach;
mod standing;
mod webhook_keys;
mod webhooks;

pub use connectors::{ConnectorView, NewConnector};
pub use feed::{Delivery, DeliveryKind, Page};
pub use reach::{OutOfReach, Reach, Resolver};
pub use standing::{Cause, DeadLetter, DeliveriesView, Discard, DiscardReason, TopicView};
pub(crate) use webhooks::Receivers;
use webhooks::is_webhook_of;
pub use webhooks::{WEBHOOKS, WaitingWebhooks, WebhookForm, WebhookView};
