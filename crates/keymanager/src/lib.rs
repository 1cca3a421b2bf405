//! The key manager: on the owner's premises, it keeps the organisation's keys and decides, request by request, who may read.
//!
//! It makes the organisation root, has it state recipient and signing keys, replaces them in time, and believes the platform under a pinned
//! log key only. Documents are opened on its own pages: a content key leaves after a certificate, an account, an origin, a
//! quota, a proven manifest and an assignment were checked, and after the intent is durable in its own trace. A private key never leaves; nothing
//! is released without its record; it listens on the internal network only.

mod backup;
mod calendar;
mod code;
mod connector;
mod decide;
mod deliver;
mod denial;
mod destroy;
mod error;
mod evidence;
mod http;
mod journal;
mod judge;
mod keyring;
mod letters;
mod lifecycle;
mod link;
mod manager;
mod mob;
mod officer;
pub mod parsers;
mod people;
mod quota;
mod register;
mod release;
mod rewrap;
mod roots;
mod scanning;
mod schema;
mod settings;
mod standing;
mod tls;
mod transit;
mod vault;
mod watch;
mod work;

pub use backup::{
    Backup, BackupError, BackupNote, Credentials, LastBackup, MadeBackup, NewBackup, Rehearsed, Restored,
    Terms, UnlockedBackup, open_share, share_text,
};
pub use calendar::{Alert, CalendarKey};
pub use code::Code;
pub use connector::{Decides, Grant, VerifiedConnector};
pub use decide::{Decided, DecisionRequest};
pub use denial::Denial;
pub use error::Error;
pub use evidence::DossierProof;
pub use http::ProblemResponse;
pub use keyring::KeyStanding;
pub use letters::LetterSettings;
pub use lifecycle::WithdrawalReason;
pub use link::Connection;
pub use manager::{KeyManager, Setup};
pub use mob::{MobKeys, MobSettings, MobVersion};
pub use officer::{VerifiedAdministrator, VerifiedOfficer};
pub use people::NewCertificate;
pub use register::{Assignment, Binding};
pub use release::{Failure, Released, UnwrapRequest};
pub use rewrap::{NotRewrapped, Rewrapped};
pub use scanning::{
    Colleague, Exception, ExceptionRequest, ExceptionStanding, ReadingToken, Revoked, SandboxError, Scanned,
    ScannerSettings, ShownException, scan_one,
};
pub use schema::{MIGRATIONS, statements};
pub use settings::{Quota, Settings};
pub use transit::{LoginRole, Policy, TransitSettings};
pub use watch::Missing;
pub use work::Ticked;
