//! How keyrings begin: once, on record, before anything is served.

use super::{Past, StartError};
use crate::clock::Clock;
use crate::keyring::KeyringKeys;
use crate::signer::{LogSigner, SignerError};

impl Past {
    /// The keys of keyrings, where they are served; their beginning is recorded the first time.
    pub(super) fn begin_keyrings(
        &mut self,
        clock: &Clock,
        signer: &dyn LogSigner,
    ) -> Result<(Option<KeyringKeys>, Option<sceau_trace::VerifiedCheckpoint>), StartError> {
        let begun = self.state.keyrings().begun().cloned();
        let Some(keys) = signer.keyring_keys(begun.as_deref())? else { return Ok((None, None)) };
        self.core.serve_keyrings();
        let Some(begun) = keys.to_begin() else {
            keys.hold_to(self.state.keyrings(), clock.now().unix).map_err(SignerError::from)?;
            return Ok((Some(keys), None));
        };
        let event = self.core.begin_keyrings(clock.now(), begun)?;
        let checkpoint = self.commit(&[event], signer)?;
        Ok((Some(keys), Some(checkpoint)))
    }
}
