//! Where the platform and the key manager keep things: records (SQL), objects (files), the outbox and mail; and the antivirus.
//!
//! Services see [`Statement`], [`Value`] and [`Row`]; never the database library, so that one portable SQL text
//! serves SQLite and PostgreSQL. Nothing here is trusted: what must not be edited or rolled back
//! behind our back is attested by the element. This room must never hold a key or a document in clear.

mod antivirus;
pub mod bus;
mod clock;
mod conversation;
mod database;
mod entrance;
mod error;
mod glance;
#[cfg(feature = "judge")]
pub mod judge;
mod limits;
mod mail;
mod migrations;
mod objects;
mod outbox;
mod places;
mod statement;
mod turns;
mod value;

pub use antivirus::{AddressError, Antivirus, AntivirusError, ClamdAddress, Patience, Scan, Verdict};
pub use clock::{Clock, ManualClock, SystemClock};
pub use conversation::{Conversation, Heard, Protocol};
pub use database::{Database, Postgres, PostgresAddress, Transaction};
pub use entrance::{Entered, Entrance};
pub use error::StoreError;
pub use glance::Glance;
pub use limits::{RateLimiter, Rule};
pub use mail::{Mail, MailFolder, Mailer, SmtpMailer, SmtpServer, SmtpTls};
pub use migrations::{Migration, portable_script};
pub use objects::{ObjectName, Objects, S3Limits, S3Store, SHELVES};
pub use outbox::{
    Absences, DeliveryError, Dispatcher, Handler, LATE_MS, Message, Outbox, RetryPolicy, Standing,
    statements as outbox_statements,
};
pub use places::{Place, Places, neighbourhood};
pub use statement::Statement;
pub use turns::Turn;
pub use value::{FromValue, Row, Value};

/// The tables of this room itself (the outbox). Put them before a service's own in [`Database::open`].
pub const MIGRATIONS: &[Migration] = outbox::MIGRATIONS;
