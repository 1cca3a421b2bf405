//! A keyring's terminal for the shells of phones: Kotlin on Android, Swift on iOS, by UniFFI. The protocol is `sceau_client::terminal`'s, which the command line uses too.
//!
//! A shell supplies storage, a key of P-256 in hardware that never leaves it, and what the system says of device and program; it draws what it is given, and says which places
//! were touched. This room must never hand out the PIN, take a request for agreed to that was not shown to its end, or use what was copied from another device.
//!
//! Calls wait until they are done: a shell makes them where its pages do not wait with them.

mod activation;
mod environment;
mod error;
mod hardware_key;
mod keypad;
mod request;
mod shell;
mod standing;
mod terminal;
mod warnings;

pub use activation::{Activated, Activation, Holder, ToActivate};
pub use environment::{Environment, Fact, TamperingSignal};
pub use error::{CODES, TerminalError};
pub use keypad::Keypad;
pub use request::{Agreed, Delivery, Disclosed, Kind, Part, ReportReason, Request, ShownItem, ShownRequest};
pub use shell::{HardwareKey, SecureStorage, Shell, ShellError, Surroundings};
pub use standing::{Done, OneTerminal, Phase, State, SuspendReason};
pub use terminal::{Ended, Host, OwnNames, Terminal, Waiting};
pub use warnings::{HowEnded, OtherAttempt, Warnings};

uniffi::setup_scaffolding!("sceau_terminal");
