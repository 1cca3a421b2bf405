//! What a terminal keeps while another one may come to its keyring. The roaming code is not kept.

use sceau_crypto::Secret;
use sceau_element_api::{Base64Url, TerminalId};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::refused;
use super::storage::{COMES, Storage};
use crate::ClientError;

/// The terminal that may come by this one, and what its short code is made of: the code itself is not kept.
#[derive(Debug)]
pub(super) struct Comes {
    pub(super) terminal: TerminalId,
    pub(super) short: Secret<32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenComes {
    terminal: TerminalId,
    short: Base64Url,
}

impl Drop for WrittenComes {
    fn drop(&mut self) {
        self.short.0.zeroize();
    }
}

impl Storage {
    /// Keeps which terminal may come.
    pub(super) fn keep_comes(&self, comes: &Comes) -> Result<(), ClientError> {
        let short = Base64Url::from(comes.short.expose().as_slice());
        let written = WrittenComes { terminal: comes.terminal, short };
        let json = Zeroizing::new(serde_json::to_vec(&written).map_err(|_| ClientError::Answer)?);
        self.write(COMES, &json)
    }

    /// Which terminal may come.
    pub(super) fn comes(&self) -> Result<Comes, ClientError> {
        let Some(comes) = self.read_if_kept(COMES)? else {
            let words = "this terminal has no other one come: `sceau terminal roam` shows a code";
            return Err(refused("roaming_over", words));
        };
        let written: WrittenComes = serde_json::from_slice(&comes).map_err(|_| self.damaged())?;
        let short = Secret::from_slice(&written.short).map_err(|_| self.damaged())?;
        Ok(Comes { terminal: written.terminal, short })
    }

    /// None may come any more.
    pub(super) fn forget_comes(&self) -> Result<(), ClientError> {
        self.remove(COMES)
    }
}
