//! Protection of data, one key per datum: rows about data, and the keyfront that applications call.
//!
//! Nothing here decides. The element verifies each call, judges it, and encrypts keys for whom the call names; this room carries the call, brings
//! the row that it is about, and keeps the row's next version. It must never hold a key, never answer what the element did not say, and never
//! take its own rows for true: the element refuses any but the current one, and gives that back where the database lost it.

mod keyfront;
mod rows;
mod schema;

pub use keyfront::{Keyfront, serve};
pub use rows::{Rows, RowsError};
pub use schema::{MIGRATIONS, statements};
