//! A service provider that logs people in at ordinary sites by their keyrings: OpenID Connect, by authorization code and by CIBA.
//!
//! It runs where service providers are, never on the platform: whoever issues ID tokens could log in as anybody. It asks holders by requests that it signs, and issues a token
//! only over the element's word that its holder agreed, verified here, and kept as evidence. This room must never believe the host of keyrings, show a holder a text that a stranger
//! wrote, tell two sites that somebody is the same person, or say whether somebody of a name is known.

mod asking;
mod backchannel;
mod grant;
mod http;
mod keys;
mod logins;
pub mod oauth;
mod pages;
mod provider;
mod records;
mod schema;
mod serve;

pub use asking::{Agreed, Answer, Ask, AskError, AtHost, Holders, Lang, Later, Turn, Words};
pub use grant::{Grant, Login};
pub use http::{PLACES, hardened, routes};
pub use keys::{KeysError, ProviderSecret, TokenKeys};
pub use provider::{Fonts, Inner, Plan, Provider, Signer};
pub use records::{Alias, Holder, KeptLogin, NotAnAlias, Records};
pub use schema::{MIGRATIONS, statements};
pub use serve::serve;
