//! What takes long: keys of RSA, which take about a second, and batches of signatures by them. Whoever serves messages asks before it gives one a turn.

use sceau_element_api::KeyringId;
use sceau_element_api::keyring::{KeyringAlgorithm, RequestKind};
use sceau_keyring::{Ask, Message, Statement as _};

use super::context::Stage;
use super::conversation::{Desk, Turn};
use super::shares::Behalf;

/// Signatures by RSA that are made among what is quick: each takes a millisecond or two.
const FEW: usize = 4;

/// Signatures on P-256 that are made in a moment.
const SOME: usize = 16;

/// Whose it is that takes long, and on whose behalf.
pub(crate) type Long = (Behalf, KeyringId);

impl Desk {
    /// Whose key takes long to make for this message, where one is made at all: what will be refused takes nobody's place.
    pub(crate) fn makes_long(&self, turn: &Turn) -> Option<Long> {
        let shown = match &turn.context.stage {
            Stage::Activating(shown) if shown.algorithm == Some(KeyringAlgorithm::Rs256) => shown,
            _ => return None,
        };
        Message::verify(&turn.jws, &turn.context.spki).ok()?;
        self.to_activate(shown.keyring).ok()?;
        Some((self.behalf_of(shown.keyring).ok()?, shown.keyring))
    }

    /// Whether opening a message waits for nobody.
    pub(crate) fn opens_here(&self) -> bool {
        !self.keys.waits()
    }

    /// Whether a message is answered in a moment: no key is waited for, and little is made.
    pub(crate) fn is_quick(&self, turn: &Turn) -> bool {
        let little = match &turn.context.stage {
            Stage::Activating(shown) => shown.algorithm != Some(KeyringAlgorithm::Rs256),
            Stage::Trying(trying) => {
                let request = &trying.asks.request;
                request.algorithm != Some(KeyringAlgorithm::Rs256) && request.items.len() <= SOME
            }
            Stage::Actor => !self.asks_for_face(turn),
            Stage::Over => true,
        };
        little && !self.keys.waits()
    }

    /// Whether this begins an attempt for which the biometric process is asked for a key: that is waited for.
    fn asks_for_face(&self, turn: &Turn) -> bool {
        let Some(Ask::Login(asked)) = Message::unverified(&turn.jws).map(|message| message.ask) else {
            return false;
        };
        self.with(|state| {
            let known = state.keyrings().keyring(asked.keyring);
            known.is_some_and(|known| known.policy.document.face.is_some())
        })
    }

    /// Whose signatures take long to make for this message: a batch by RSA.
    pub(crate) fn signs_long(&self, turn: &Turn) -> Option<Long> {
        let trying = match &turn.context.stage {
            Stage::Trying(trying) if trying.asks.fact.kind == RequestKind::Sign => trying,
            _ => return None,
        };
        let request = &trying.asks.request;
        let long = request.algorithm == Some(KeyringAlgorithm::Rs256) && request.items.len() > FEW;
        Some((self.behalf_of(trying.keyring).ok()?, trying.keyring)).filter(|_| long)
    }
}
