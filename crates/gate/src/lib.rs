//! The gate: ends TLS, judges who calls on every request, and forwards who it was. No business.
//!
//! It must never let a request through that it did not judge, never believe what a client says of its own identity, and never turn a refusal
//! into a broken connection: the caller is owed a reason.

mod answer;
mod aside;
mod assertion;
mod busy;
mod check;
mod clock;
mod command;
mod connection;
mod crowd;
#[cfg(test)]
mod documented;
mod door;
mod doors;
mod error;
mod fail_open;
mod files;
mod forward;
mod given;
mod guard;
mod holding;
mod issuing;
mod journal;
mod json;
mod keys;
mod leaving;
mod lists;
mod live;
mod observe;
mod ocsp;
mod outgoing;
mod pace;
mod pass;
mod plan;
mod profiles;
mod proxy;
mod question;
mod request;
mod route;
mod serve;
mod settings;
mod shown;
mod statement;
mod succession;
mod termination;
mod threads;
mod token;
mod told;
mod units;
mod upgrade;
mod upstream;
mod written;

pub use command::{GateCommand, GateOptions, StatementOptions};
pub use error::Error;
pub use given::Given;
pub use lists::Rejection;
pub use plan::Plan;
pub use proxy::{NotProxied, read_proxied};
pub use route::{NotOnePath, read_host, read_path};
pub use serve::{Ending, Gate, Listening, Reload};
pub use statement::Language;
pub use written::read_text;
