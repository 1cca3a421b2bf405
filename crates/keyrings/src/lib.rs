//! The platform's host of keyrings: it carries what actors and terminals say to the element, keeps what the element attested to be found, and requests until their holders answer.
//!
//! This room must never hold a key, a factor or a PIN, and never decide anything: what it refuses at its door the element refuses too, and what it lets in proves itself to
//! whoever relies on it. Its rows name no person; requests and outcomes, which may, are gone a day after they end.

mod bell;
mod body;
mod code;
mod est;
mod feed;
mod host;
mod http;
mod nonces;
mod notice;
mod refusal;
mod requests;
mod roles;
mod rows;
mod schema;
mod serve;
mod sole;
mod visits;

pub use code::Code as KeyringsCode;
pub use est::{Carrier, EstAccess, EstServer, EstTrouble};
pub use feed::{Amiss, Feed, FeedError, Walk};
pub use host::{Host, HostError};
pub use http::{Hears, PLACES, ROUTES, Route, behind_a_gate, routes};
pub use notice::{Notices, REQUESTED, Teller};
pub use requests::{MOST_OF_HOUR, MOST_OF_KEYRING, MOST_OF_PROVIDER};
pub use rows::{Acting, KeyringCursor, ListedKeyring, Report, ReportCursor, Rows, RowsError};
pub use schema::{MIGRATIONS, statements};
pub use serve::serve;
pub use sole::Sole;
