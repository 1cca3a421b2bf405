//! Keys in tokens that speak PKCS#11: hardware security modules, smart cards, SoftHSM.
//!
//! A key is named by its address (RFC 7512). The module that the address names is a library of the token's maker: it is loaded into this process when
//! the first such key is, and is as trusted as the process. Keys are made in the token, sensitive and never extractable; what is made here is their
//! signatures' input. PINs are read each time that a token asks, from a file of mode 0600 or a credential of systemd.

mod administer;
mod error;
mod key;
mod keystore;
mod make;
mod module;
mod pin;
mod token;
mod uri;

pub use administer::{KeyFacts, PinStanding, TokenFacts, initialise, keys, tokens};
pub use error::TokenError;
pub use key::TokenKey;
pub use keystore::{MovedKey, TokenKeeping, TokenKeystore, move_to_token};
pub use pin::Pin;
pub use uri::{PinSource, Pkcs11Uri, UriError};
