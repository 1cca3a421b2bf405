//! The connector: what an organisation's own machine does with dossiers that are sealed for it.
//!
//! It follows the feed, proves each manifest under the log key that it pinned, has each content key unwrapped by the key manager with its own
//! certificate, decrypts one part at a time, and hands a dossier over whole or not at all. A journal of its own says what is done: after a
//! crash nothing is lost, and no folder appears twice. It must never believe the platform without a proof, nor let one dossier hold up the others.

mod config;
mod decisions;
mod folder;
mod handover;
mod journal;
mod receiver;
mod runner;
mod trouble;
mod writing;

pub use config::{Grace, Handover, Target};
pub use journal::{Aside, Journal, Standing};
pub use receiver::{Delivery, Kind};
pub use runner::{Connector, Event};
pub use trouble::Trouble;
pub use writing::{Scanned, Scanner};
