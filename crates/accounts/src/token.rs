//! Random secrets that are handed out once and kept as hashes only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sceau_crypto::{Label, Secret, sha256};
use zeroize::Zeroizing;

/// 32 random bytes: a session, a one-time link, a client's secret, an access token. Shown once; `Debug` is redacted.
pub(crate) struct Token(Secret<32>);

/// What is kept of a token. SHA-256 is enough: nobody guesses 32 random bytes.
pub(crate) type TokenHash = [u8; 32];

impl Token {
    pub(crate) fn random() -> Self {
        Self(Secret::random())
    }

    /// Reads a token back from its text; anything else is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
        Secret::from_slice(&bytes).ok().map(Self)
    }

    /// base64url without padding, 43 characters.
    pub(crate) fn reveal(&self) -> String {
        BASE64.encode(self.0.expose())
    }

    /// A key of this token, for one use.
    pub(crate) fn derive(&self, label: Label) -> Secret<32> {
        label.derive(&self.0)
    }

    pub(crate) fn hash(&self) -> TokenHash {
        sha256(self.0.expose())
    }
}
