//! The key that authenticates lines of the trace: of what the journal says, and never of words that somebody brings.

use std::sync::Arc;

use sceau_crypto::{Label, SecretBytes};
use sceau_element_api::protect::TraceLine;
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Operations, Provider};

/// The label of the key in the provider.
const KEY: &str = "protect-trace-lines";

/// HMAC-SHA-256 in a provider.
pub struct TraceLineKey {
    provider: Arc<dyn Provider>,
    key: KeyRef,
}

impl TraceLineKey {
    /// Finds the key, or makes it.
    ///
    /// # Errors
    /// What the provider says.
    pub fn open(provider: Arc<dyn Provider>, now: u64) -> Result<Self, Error> {
        let key = provider.find_or_generate(KeyKind::HmacSha256, &KeyLabel::new(KEY)?, now)?;
        Ok(Self { provider, key })
    }

    /// The line with its tag, which the journal must have given: whatever is signed here is believed.
    pub(crate) fn sign(&self, line: TraceLine) -> Result<TraceLine, Error> {
        let tag = self.tag(&line)?;
        Ok(line.signed(&tag))
    }

    /// Whether the line is one that was signed here.
    pub(crate) fn signed(&self, line: &TraceLine) -> Result<bool, Error> {
        let tag = line.clone().signed(&self.tag(line)?).signature;
        // In constant time: whoever may ask whether a line was signed learns nothing of its tag.
        Ok(SecretBytes::from(tag.as_bytes()) == SecretBytes::from(line.signature.as_bytes()))
    }

    fn tag(&self, line: &TraceLine) -> Result<[u8; 32], Error> {
        self.provider.mac(&self.key, &[Label::TraceLine.as_str().as_bytes(), &[0], &line.authenticated()])
    }
}

impl std::fmt::Debug for TraceLineKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TraceLineKey({})", self.key)
    }
}
