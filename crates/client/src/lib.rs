//! The owner's side as a library: what a connector, a terminal, the command line and our own tests do against a Sceau server.
//!
//! It seals and opens on this machine, proves with a passkey of its own, and believes nothing that the platform says without a
//! proof under the log key that it pinned. It must never send a key or a document in clear.

pub mod connector;
mod deposit;
mod error;
mod headers;
pub mod keyring;
mod lock;
mod machine;
pub mod name;
mod passkey;
mod person;
pub mod protect;
mod reading;
mod staff;
pub mod terminal;
mod transport;
pub mod trust;

pub use deposit::{Deposit, Deposited, Document, Draft, Parcel, Scheme, Step};
pub use error::ClientError;
pub use headers::{FileHeader, SealedDossier};
pub use machine::{Credentials, KeyInUse, Machine};
pub use passkey::{AssertionResponse, RegistrationResponse, SoftwarePasskey, StoredPasskey};
pub use person::Person;
pub use reading::{Opened, OpenedFile, ReadingPage};
pub use staff::{Enrolled, NewOrganisation};
pub use transport::{Server, Trust};
