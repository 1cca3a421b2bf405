//! PINs by OPAQUE (RFC 9807): the element learns neither the PIN nor anything that lets it be guessed without the terminal, and no terminal guesses without the element.
//!
//! Ristretto255, SHA-512 and triple Diffie-Hellman: what the browser's library speaks too. Identifiers are texts and there is no context, for the same reason.

mod element;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::unimplemented,
    reason = "tests state what must hold"
)]
mod rfc9807;
mod suite;
#[cfg(feature = "terminal")]
pub(crate) mod terminal;

pub use element::{Begun, OpaqueServer};

use sceau_element_api::{KeyringId, TerminalId};

/// Bytes of each message, and of what is kept: of this suite they have one length each.
pub(crate) mod size {
    /// RegistrationRequest.
    pub(crate) const REQUEST: usize = 32;
    /// RegistrationResponse.
    pub(crate) const RESPONSE: usize = 64;
    /// RegistrationRecord, as it is uploaded and kept.
    pub(crate) const RECORD: usize = 192;
    /// The first message of a login.
    pub(crate) const KE1: usize = 96;
    /// The second.
    pub(crate) const KE2: usize = 320;
    /// The third.
    pub(crate) const KE3: usize = 64;
    /// The element's own secrets.
    pub(crate) const SETUP: usize = 128;
}

/// The library reads a message from the front, and passes over what stands behind it.
fn exactly(length: usize, message: &[u8]) -> Result<(), OpaqueError> {
    if message.len() == length { Ok(()) } else { Err(OpaqueError) }
}

/// What OPAQUE binds a PIN to: a record that is moved to another keyring or terminal never opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `<keyring>/<terminal>`: the credential's identifier, and the client's.
    pub credential: String,
    /// The server's: the name of the element's log.
    pub server: String,
}

impl Names {
    /// Those of a terminal of a keyring, at the element of this log.
    #[must_use]
    pub fn of(keyring: KeyringId, terminal: TerminalId, origin: &str) -> Self {
        Self { credential: format!("{keyring}/{terminal}"), server: origin.to_owned() }
    }
}

/// A message of OPAQUE is not one: another length, or no point of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a message of the PIN's protocol is malformed: the other side is of another version, or it was altered"
)]
#[non_exhaustive]
pub struct OpaqueError;

impl OpaqueError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "opaque_malformed"
    }
}

/// The PIN is not the right one; or the record, the names or the other side are not. One error, so that it is no oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PIN is wrong")]
#[non_exhaustive]
pub struct WrongPin;

impl WrongPin {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "pin_invalid"
    }
}
