//! Who calls: an application, for a holder, by an access token of the provider's authorization server.

use sceau_element_api::KeyringId;

/// What an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The application, as it is registered.
    pub client: String,
    /// What people call it; holders read it.
    pub name: String,
    /// The holder who logged in: the one whose credentials it sees.
    pub keyring: KeyringId,
    /// Whether its scope has `service`.
    pub service: bool,
}

/// A holder's turn to be asked; over where it is dropped.
pub type Turn = Box<dyn std::any::Any + Send + Sync>;

/// Who knows tokens, and how often holders are asked for all that the provider does.
pub trait Tokens: Send + Sync + 'static {
    /// What this one stands for, where it is good now.
    fn bearer(&self, token: &str) -> Option<Bearer>;

    /// A turn to ask the holder for so many seconds; none where they are asked enough.
    fn turn(&self, of: &Bearer, seconds: u64) -> Option<Turn>;
}
