//! Protection of data: calls of registered applications, and the keys that they get.
//!
//! A call is verified, judged and answered on the connection's task; what it changes is decided by the writer, which remembers it, and the answer
//! leaves once the record is durable. If the record is refused, what was made for it is dropped. A data key is random; it travels wrapped under the
//! datum's key, which is derived anew each time from the tenant's master and a salt that only the tenant's epoch key opens.

mod access;
mod act;
mod call;
mod contents;
mod judge;
mod keys;
mod perform;
mod permits;
mod statement_key;
mod terms;
mod tokens;
mod trace_lines;
mod user;

pub(crate) use access::{access, users};
pub(crate) use act::{Acted, PreparedAct};
pub use call::{Caller, Profile, ProvenCall};
pub use contents::ContentKeys;
pub use judge::{Act, Held, judge};
pub use keys::DatumKeys;
pub(crate) use keys::{Left, sealing_key};
pub use perform::{Granted, PreparedCall};
pub(crate) use perform::{InCommon, Second, agreed};
pub(crate) use permits::{Signing, Taken};
pub use terms::{Ending, EpochTerms};
pub(crate) use tokens::AnswerTerms;
pub use tokens::{Opened, TokenKeys};
pub use trace_lines::TraceLineKey;
pub use user::UserProof;
