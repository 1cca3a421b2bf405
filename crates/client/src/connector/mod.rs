//! The connector: what an organisation's own machine does with dossiers that are sealed for it.
//!
//! It follows the feed, proves each manifest under the log key that it pinned, has each content key unwrapped by the key manager with its own
//! certificate, decrypts one part at a time, and hands a dossier over whole or not at all. A journal of its own says what is done: after a
//! crash nothing is lost, and no folder appears twice. It must never believe the platform without a proof, nor let one dossier hold up the others.

mod answers;
mod config;
mod deciding;
mod decisions;
mod event;
mod feed;
mod folder;
mod handover;
mod held;
mod journal;
#[doc(hidden)]
pub mod parsers;
mod patience;
mod pending;
mod receiver;
mod runner;
mod standing;
mod telling;
mod trouble;
mod undecided;
mod withheld;
mod writing;

pub use config::{Grace, Handover, Target};
pub use decisions::Told;
pub use event::Event;
pub use feed::{Delivery, Kind};
pub use journal::{Aside, Journal};
pub use runner::Connector;
pub use standing::Standing;
pub use trouble::Trouble;
pub use undecided::Undecided;
pub use writing::{Scanned, Scanner};
