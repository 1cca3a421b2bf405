//! The intake: the one process of the privileged zone that sees a citizen's document in clear, for a moment.
//!
//! It checks that a deposit is admissible before any key is made, streams each file to the antivirus on its exact bytes, seals it as it
//! streams, and says under its own key what is clean. Nothing in clear is written to a disk, logged or sent to the platform; the last part
//! of a file leaves only after the verdict, so that the platform never holds a whole file that was not found clean.

mod admission;
mod content;
mod deposit;
mod http;
mod pace;
pub mod parsers;
mod pdf;
mod platform;
mod receive;
mod refusal;
mod seal;
mod serve;
mod word;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sceau_client::{ClientError, Server, Trust};
use sceau_crypto::SigningKey;
use sceau_store::{Antivirus, Clock, Places, RateLimiter, Rule};
use sceau_trace::VerifierKey;
use tokio::sync::Semaphore;

use deposit::Deposit;

pub(crate) use content::Inspector;
pub(crate) use pace::Pace;
pub use pace::Slowest;
pub use refusal::Code as IntakeCode;
pub(crate) use serve::listen;
pub use serve::serve;
pub(crate) use word::Redemption;

/// Addresses whose pace is kept in mind.
const ADDRESSES: usize = 20_000;

/// What an intake is told.
#[derive(Debug)]
pub struct IntakeSettings {
    /// Web origin of the platform, whose pages may call.
    pub platform: String,
    /// Who vouches for the platform's certificate.
    pub platform_trust: Trust,
    /// The log's key: recipients' keys and forms are proven under it, or nothing is sealed.
    pub log_key: VerifierKey,
    /// The key that signs the intake's words.
    pub key: SigningKey,
    /// The antivirus.
    pub antivirus: Antivirus,
    /// The largest file, in bytes.
    pub largest: u64,
    /// Files received at once; others wait.
    pub at_once: usize,
    /// Of these, for one deposit; the next is refused.
    pub per_deposit: usize,
    /// Of these, for one address; the next is refused.
    pub per_address: usize,
    /// Connections from one address; the next is closed.
    pub connections: usize,
    /// Grants that one address may send; more are asked to come back.
    pub grants: Rule,
    /// How slow a sender may be.
    pub slowest: Slowest,
    /// For how long a file waits for the antivirus before its sender is asked to come back.
    pub patience: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The intake. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: IntakeSettings,
    server: Server,
    deposits: Mutex<HashMap<String, Arc<Deposit>>>,
    uploads: Semaphore,
    of_deposits: Places<[u8; 32]>,
    of_addresses: Places<IpAddr>,
    grants: RateLimiter<IpAddr>,
}

impl Intake {
    /// An intake that uploads to its platform.
    ///
    /// # Errors
    /// When the platform's address is none, or the anchors are no certificates.
    pub fn new(settings: IntakeSettings) -> Result<Self, ClientError> {
        let server = Server::new(&settings.platform, &settings.platform_trust)?;
        let uploads = Semaphore::new(settings.at_once);
        let (of_deposits, of_addresses) =
            (Places::new(settings.per_deposit), Places::new(settings.per_address));
        let (deposits, grants) = (Mutex::default(), RateLimiter::new(ADDRESSES));
        let inner = Inner { settings, server, deposits, uploads, of_deposits, of_addresses, grants };
        Ok(Self(Arc::new(inner)))
    }

    fn deposits<T>(&self, with: impl FnOnce(&mut HashMap<String, Arc<Deposit>>) -> T) -> T {
        with(&mut self.0.deposits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
