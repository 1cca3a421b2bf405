//! Protection of data: calls of registered applications, and the keys that they get.
//!
//! A call is verified, judged and answered on the connection's task; what it changes is decided by the writer, which remembers it, and the answer
//! leaves once the record is durable. If the record is refused, what was made for it is dropped. A data key is random; it travels wrapped under the
//! datum's key, which is derived anew each time from the tenant's master and a salt that only the tenant's epoch key opens.

mod access;
mod call;
mod judge;
mod keys;
mod perform;

pub(crate) use access::access;
pub use call::{Caller, ProvenCall};
pub use judge::{Act, Held, judge};
pub(crate) use keys::Left;
pub use keys::{DatumKeys, Ending, EpochTerms};
pub use perform::{Granted, PreparedCall};
