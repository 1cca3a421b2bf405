//! Protection of data, one key per datum: rows about data, the keyfront that applications call, and the console of administrators and data officers.
//!
//! Nothing here decides. The element verifies each call, judges it, and encrypts keys for whom the call names; this room carries the call, brings
//! the row that it is about, and keeps the row's next version. It must never hold a key (but that of a body which an application asks the keyfront
//! to work on, for as long as it does), never answer what the element did not say, and never take its own rows for true: the element refuses any
//! but the current one, and gives that back where the database lost it.

mod carried;
mod console;
mod keyfront;
mod registration;
mod rows;
mod schema;
mod sweep;
mod tally;
mod terms;

pub use console::{
    ActState, ActView, Activity, Acts, ActsPage, ApplicationView, By, CallsOfApplication, CallsOfHour,
    Console, ConsoleFault, DataCounted, DatumLine, DatumView, Ending, Found, How, Looked, OnRecord,
    RecordLine, RefusedFor, Span, routes,
};
pub use keyfront::{BodyLimits, Keyfront, PLACES, serve};
pub use registration::Registration;
pub use rows::{Cursor, DatumState, FoundDatum, Rows, RowsError, Search, SearchError, SearchFault, Searched};
pub use schema::{MIGRATIONS, statements};
pub use sweep::{Amiss, Sweep};
pub use tally::{Tally, TallyError};
