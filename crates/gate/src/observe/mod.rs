//! What people and programs see of a gate that serves: counts, and where it stands. It must never cost a request more than it can notice, never
//! hold a request up, and never tell of a caller to whoever may not look.

mod access_log;
mod certificates;
mod exporter;
mod ledger;
mod metrics;
mod named_client;
mod page;
mod recent;
mod server;
mod services;
mod settings;
mod span;
mod state;
mod text;
mod trail;

pub(crate) use certificates::{Dated, dated};
pub(crate) use ledger::{
    Codes, DoorTally, FeedTally, GuardTally, Ledger, NamedClientTally, ResponderTally, RouteTally,
    ServiceTally, Shelf,
};
pub(crate) use named_client::NamedClient;
pub(crate) use server::{LOOKERS, Observer};
pub(crate) use settings::{ObserveTable, Observing};

pub(crate) use trail::{Came, Tls, Trail};
