//! The certificate of an authority outside, in its turn.

use sceau_element_api::keyring::KeyringPhase;
use sceau_element_api::wire::{Code, Refusal};

use super::order::{Step, Taken};
use crate::keyring::{NewRow, RecordDetails};
use crate::rules::demand;
use crate::rules::keyring::uses::with;
use crate::state::{KeyringFact, State};

const CERTIFIED: &str = "the keyring has its certificate already";
const ENDED: &str =
    "the policy of this keyring was ended: it has no certificate any more, and another keyring is to be made";

/// Whether a keyring waits for a certificate of an authority outside, under a policy that is in use.
///
/// # Errors
/// [`Code::KeyringPhase`], [`Code::PolicyUnknown`], or why it stands still.
pub(crate) fn awaits(state: &State, known: &KeyringFact) -> Result<(), Refusal> {
    match known.stands() {
        KeyringPhase::Certifying => {
            let in_use = state.keyrings().is_in_use(known.policy.document.policy);
            demand(in_use, Code::PolicyUnknown, ENDED)
        }
        KeyringPhase::Active => Err(Refusal::new(Code::KeyringPhase, CERTIFIED)),
        _ => Err(super::not_here(known)),
    }
}

impl Step<'_> {
    pub(super) fn certify(&self, row: &NewRow, told: &RecordDetails) -> Taken {
        let known = self.known()?;
        awaits(self.state, known)?;
        self.row(with(self.of(known), told), row, Some(known), Vec::new())
    }
}
