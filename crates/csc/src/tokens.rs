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

/// Who knows tokens.
pub trait Tokens: Send + Sync + 'static {
    /// What this one stands for, where it is good now.
    fn bearer(&self, token: &str) -> Option<Bearer>;
}
