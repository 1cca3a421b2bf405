//! A key manager in a folder, a platform that answers it, and dossiers sealed for it.

pub mod browser;
pub mod dossier;
mod headers;
pub mod platform;
pub mod reads;
pub mod world;

pub use browser::{Answer, Browser};
pub use dossier::SealedDossier;
pub use platform::{Bad, FakePlatform, TestLog};
pub use reads::READING;
pub use world::{DAY, START, World};
