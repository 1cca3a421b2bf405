//! Running one role: built from its options, ready line, end on a signal.

pub(crate) mod bus;
mod callers;
pub(crate) mod csc;
pub(crate) mod database;
pub(crate) mod door;
pub(crate) mod est;
pub(crate) mod identity;
pub(crate) mod intake;
pub(crate) mod keyfront;
pub(crate) mod keymanager;
pub(crate) mod keyrings;
pub(crate) mod mail;
pub(crate) mod mob;
mod mob_keys;
pub(crate) mod objects;
pub(crate) mod pages;
pub(crate) mod platform;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod scanner;
mod secret;
pub(crate) mod settings;
mod transit;
mod vault_keys;
mod webhooks;
mod witnesses;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::say;

/// Says on standard output that the role is ready, in one line of JSON.
pub(crate) fn say_ready(ready: &Value) -> Result<(), Failure> {
    say::json(ready)
}

/// Listens for a request to end from now on; the future resolves when it comes. Call it before the ready line, so that a
/// request that follows at once is not missed.
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let listen = |kind| signal(kind).map_err(|cause| Failure::system("listen for signals", &cause));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
