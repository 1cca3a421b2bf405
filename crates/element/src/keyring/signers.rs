//! Whose key a first message must verify under. What it says before it is verified decides nothing else.

use sceau_element_api::keyring::Left;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{
    Admit, Ask, Delivery, Destroy, LookAt, Message, Resume, RoamingAt, Statement as _, Suspend,
    unverified_kid,
};
use sceau_trace::{Action, Hash};

use super::contexts::over;
use super::conversation::{Desk, Turn, action_of, unknown};
use crate::state::KeyringFact;

/// Who signs in a context.
pub(super) struct Signer {
    /// The key.
    pub spki: Vec<u8>,
    /// The environment of a terminal that is bound, or came.
    pub image: Option<Hash>,
    /// What a terminal is told that is one no more, once it is known that it signed.
    pub left: Option<Refusal>,
}

impl Signer {
    fn of(spki: Vec<u8>) -> Self {
        Self { spki, image: None, left: None }
    }
}

/// What a terminal is to a keyring.
enum Is {
    Bound,
    Came,
    Former,
}

impl Desk {
    /// Whose key the first message must verify under, and of a terminal its environment.
    pub(super) fn first_signer(&self, turn: &mut Turn, action: &mut Action) -> Result<Signer, Refusal> {
        let kid = unverified_kid(&turn.jws).ok_or_else(unknown)?;
        let message = Message::unverified(&turn.jws).ok_or_else(unknown)?;
        *action = action_of(&message.ask);
        match &message.ask {
            Ask::Fabricate { policy } => {
                let actor = self.with(|state| {
                    let organisation = state.keyrings().policy(*policy)?.document.organisation;
                    state.keyrings().actor(organisation, &kid).cloned()
                });
                Ok(Signer::of(actor.ok_or_else(unknown)?.by.spki.clone()))
            }
            Ask::Deliver { delivery } => {
                let delivery = Delivery::unverified(delivery).ok_or_else(unknown)?;
                self.key_of_actor(delivery.keyring, &kid)
            }
            Ask::Activate(asked) => Ok(Signer::of(asked.device.0.clone())),
            Ask::Arrive(asked) => Ok(Signer::of(asked.device.0.clone())),
            Ask::Login(asked) => self.key_of_terminal(turn, asked.keyring, asked.terminal, &kid),
            Ask::Look(LookAt { keyring, terminal, .. }) | Ask::Suspend(Suspend { keyring, terminal, .. }) => {
                match terminal {
                    Some(terminal) => self.key_of_terminal(turn, *keyring, *terminal, &kid),
                    None => self.key_of_actor(*keyring, &kid),
                }
            }
            Ask::Roaming(RoamingAt { keyring, terminal })
            | Ask::Withdraw(RoamingAt { keyring, terminal })
            | Ask::Admit(Admit { keyring, terminal, .. }) => {
                self.key_of_terminal(turn, *keyring, *terminal, &kid)
            }
            Ask::Resume(Resume { keyring, .. })
            | Ask::Destroy(Destroy { keyring, .. })
            | Ask::Dissociate(sceau_keyring::Dissociate { keyring, .. }) => self.key_of_actor(*keyring, &kid),
            _ => Err(over()),
        }
    }

    /// The key of who has it among those that act on a keyring's organisation.
    fn key_of_actor(&self, keyring: KeyringId, kid: &[u8; 32]) -> Result<Signer, Refusal> {
        let actor = self.with(|state| {
            let known = state.keyrings().keyring(keyring)?;
            state.keyrings().actor(known.policy.document.organisation, kid).cloned()
        });
        Ok(Signer::of(actor.ok_or_else(unknown)?.by.spki.clone()))
    }

    /// The key of a terminal of a keyring, of the one that came to it, or of one that it had, if it is that one.
    fn key_of_terminal(
        &self,
        turn: &mut Turn,
        keyring: KeyringId,
        terminal: TerminalId,
        kid: &[u8; 32],
    ) -> Result<Signer, Refusal> {
        let is = |known: &KeyringFact| {
            let former = || known.former.iter().any(|former| (former.0, former.1) == (terminal, *kid));
            let of =
                |found: Option<&crate::state::TerminalFact>| found.is_some_and(|it| it.thumbprint == *kid);
            let is = if of(known.terminal(terminal)) {
                Is::Bound
            } else if of(known.came(terminal)) {
                Is::Came
            } else if former() {
                Is::Former
            } else {
                return None;
            };
            Some((is, known.row))
        };
        let (is, row) = self.with(|state| is(state.keyrings().keyring(keyring)?)).ok_or_else(unknown)?;
        let (document, secrets) = self.keyring_at(keyring, row)?;
        match is {
            Is::Bound => {
                let known = secrets.terminal(terminal).ok_or_else(unknown)?;
                let signer = Signer { spki: known.device.0.clone(), image: Some(known.image), left: None };
                turn.keep_read(row, (document, secrets));
                Ok(signer)
            }
            Is::Came => {
                let came = secrets.roaming.and_then(|roaming| roaming.came).ok_or_else(unknown)?;
                Ok(Signer { spki: came.device.0, image: Some(came.image), left: None })
            }
            Is::Former => {
                let key = secrets.former.into_iter().find(|former| former.terminal == terminal);
                let how = document.former.iter().find(|former| former.terminal == terminal);
                let (key, how) = key.zip(how).ok_or_else(unknown)?;
                Ok(Signer { spki: key.device.0, image: None, left: Some(told(how.left)) })
            }
        }
    }
}

/// What a terminal is told that is one no more.
fn told(left: Left) -> Refusal {
    let words = match left {
        Left::Moved => "the keyring moved to another terminal: this one is none of it any more",
        Left::Dissociated => "this terminal was taken off the keyring",
    };
    Refusal::new(Code::TerminalDissociated, words)
}

/// Why a terminal is not heard that was one, or that never was, where an exchange of its own goes on.
pub(super) fn not_bound(known: Option<&KeyringFact>, terminal: TerminalId, thumbprint: [u8; 32]) -> Refusal {
    let mut former = known.into_iter().flat_map(|known| &known.former);
    match former.find(|former| (former.0, former.1) == (terminal, thumbprint)) {
        Some((_, _, left)) => told(*left),
        None => unknown(),
    }
}
