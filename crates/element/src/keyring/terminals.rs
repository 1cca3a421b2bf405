//! Which terminals a keyring has, as its next version says: one may come, one that came is bound, one is taken off, one has its holder's face.

use sceau_crypto::Secret;
use sceau_element_api::TerminalId;
use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    ActorRole, Dissociation, FormerTerminal, Keyring, Left, MOST_FORMER, RequestKind, Roaming,
    RoamingTerminal,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::{Dissociate, Inner, KeySecret, Place, Request, RoamingProof, seal_box};
use sceau_trace::Hash;

use super::contexts::Whose;
use super::conversation::{Desk, Next, Turn, agrees, may_leave, unknown};
use super::make::Found;
use super::roaming::{LASTS, recorded};
use super::secrets::{FormerKey, RoamingSecrets, Secrets, TerminalSecrets, unusable};
use super::shares::Behalf;
use super::{By, KeyringAct, NewRow, PreparedKeyring, TerminalsChange};
use crate::event::TerminalBox;

/// What a holder agreed to, and what opened.
pub(super) struct ToChange<'a> {
    pub found: &'a Found,
    pub request: &'a Request,
    pub inner: &'a Inner,
    pub place: &'a Place,
    pub secret: &'a KeySecret,
    /// SHA-256 of the template of its face, where one was made.
    pub face: Option<Hash>,
}

/// The next version, its boxes, and how it differs.
pub(super) type Changed = (NewRow, Vec<TerminalBox>, TerminalsChange);

impl Desk {
    /// The next version of a keyring whose terminals its holder changes.
    pub(super) fn changed(&self, of: &ToChange<'_>) -> Result<Changed, Refusal> {
        let ToChange { found, request, inner, place, secret, face } = of;
        let now = self.now().unix;
        let read = self.keyring_at(place.keyring, found.row)?;
        let own = seal_box(&inner.next, place, secret);
        let own = TerminalBox { terminal: place.terminal, boxed: own.into() };
        let (kept, boxes, change) = match request.kind {
            RequestKind::Roam => {
                let (kept, coming) = self.expects(read, of, now)?;
                let change = TerminalsChange::Expect(coming.terminal);
                (kept, vec![own, coming], change)
            }
            RequestKind::Join => {
                let moves = found.policy.document.roaming == Roaming::Move;
                (joined(read, place.terminal, moves, now)?, vec![own], TerminalsChange::Join)
            }
            RequestKind::Face => {
                let (document, secrets) = read;
                let document = Keyring { face: *face, ..document };
                ((document, secrets), vec![own], TerminalsChange::Enrol)
            }
            _ => {
                let gone = request.terminal.ok_or_else(|| unusable("a dissociation of no terminal"))?;
                self.with(|state| {
                    may_leave(state.keyrings().keyring(place.keyring).ok_or_else(unknown)?, gone)
                })?;
                match found.policy.document.dissociation {
                    Dissociation::Holder => {
                        let kept = without(read, gone, Left::Dissociated, now);
                        let boxes = if gone == place.terminal { Vec::new() } else { vec![own] };
                        (kept, boxes, TerminalsChange::Dissociate(gone))
                    }
                    Dissociation::HolderAndSupport => {
                        let (mut document, secrets) = read;
                        let asked = document.terminals.iter_mut().filter(|known| known.terminal == gone);
                        asked.for_each(|known| known.parting = Some(now));
                        ((document, secrets), vec![own], TerminalsChange::Part(gone))
                    }
                }
            }
        };
        kept.0.check().map_err(unusable)?;
        Ok((self.new_row(&kept.0, &kept.1, Some(found.version))?, boxes, change))
    }

    /// One more may come: with the code that the terminal drew, and the same PIN. One that was to come before does not any more.
    fn expects(
        &self,
        read: (Keyring, Secrets),
        of: &ToChange<'_>,
        now: u64,
    ) -> Result<((Keyring, Secrets), TerminalBox), Refusal> {
        let expected = of.inner.expected.as_ref();
        let malformed = |words: String| Refusal::new(Code::Malformed, words);
        let expected = expected.ok_or_else(|| malformed("no terminal that is to come".to_owned()))?;
        let record = self.keys.opaque().record(&expected.upload);
        let record = record.map_err(|error| malformed(error.to_string()))?;
        let (mut document, mut secrets) = nobody_comes(read);
        let Place { keyring, terminal: by, key } = *of.place;
        // A code is drawn: who brings one that is known has it from another terminal.
        let known = self.with(|state| state.keyrings().of_code(&expected.proof.place()));
        if known.is_some() {
            return Err(Refusal::new(Code::RequestInvalid, "this code was shown before: draw another one"));
        }
        let place = Place { keyring, terminal: expected.terminal, key };
        let boxed = seal_box(&expected.unlock, &place, of.secret);
        document.roaming = Some(RoamingTerminal {
            terminal: expected.terminal,
            by,
            code: expected.proof.place(),
            since: now,
            ends: now.saturating_add(LASTS),
            admitted: false,
        });
        let proof = RoamingProof::from(Secret::duplicate(expected.proof.expose()));
        secrets.roaming = Some(RoamingSecrets { proof, record: record.into(), came: None });
        Ok(((document, secrets), TerminalBox { terminal: expected.terminal, boxed: boxed.into() }))
    }

    /// Support agrees that a terminal is taken off, as its holder asked.
    pub(super) fn agree(&self, turn: &mut Turn, asked: &Dissociate) -> Result<Next, Refusal> {
        let keyring = asked.keyring;
        let of = |state: &crate::state::State| {
            let known = state.keyrings().keyring(keyring)?;
            Some((known.policy.document.organisation, known.row, known.version))
        };
        let (organisation, row, version) = self.with(of).ok_or_else(unknown)?;
        let actor = self.actor(turn, organisation)?;
        if actor.actor.role != ActorRole::Support {
            return Err(unknown());
        }
        let behalf = Behalf { organisation, actor: actor.actor.id };
        self.known(turn, Whose::Actor(turn.context.signer), behalf)?;
        if version.hash != asked.version {
            let words = "the keyring changed since it was looked at: look again";
            return Err(Refusal::new(Code::StaleVersion, words));
        }
        let now = self.now().unix;
        let read = self.keyring_at(keyring, row)?;
        let parting = read.0.terminals.iter().find(|known| known.terminal == asked.terminal);
        agrees(parting.and_then(|known| known.parting), now)?;
        let (document, secrets) = without(read, asked.terminal, Left::Dissociated, now);
        let row = self.new_row(&document, &secrets, Some(version))?;
        let act = KeyringAct::Agree { row, terminal: asked.terminal };
        Ok(recorded(PreparedKeyring { keyring, by: By::Support(actor), act }))
    }
}

/// No terminal may come any more.
pub(super) fn nobody_comes((document, secrets): (Keyring, Secrets)) -> (Keyring, Secrets) {
    let mut document = Keyring { roaming: None, ..document };
    document.terminals.retain(|terminal| !terminal.provisional);
    (document, Secrets { roaming: None, ..secrets })
}

/// The one that came is one of the keyring; where it moves, the only one.
fn joined(
    (mut document, mut secrets): (Keyring, Secrets),
    came: TerminalId,
    moves: bool,
    now: u64,
) -> Result<(Keyring, Secrets), Refusal> {
    let nobody = || unusable("a terminal joins that did not come");
    let roaming = secrets.roaming.take().ok_or_else(nobody)?;
    let of = roaming.came.ok_or_else(nobody)?;
    document.roaming = None;
    let mut tries = document.terminals.iter_mut().filter(|terminal| terminal.terminal == came);
    let bound = tries.next().ok_or_else(nobody)?;
    (bound.provisional, bound.bound) = (false, now);
    let others: Vec<_> =
        document.terminals.iter().map(|terminal| terminal.terminal).filter(|other| *other != came).collect();
    secrets.terminals.push(TerminalSecrets {
        terminal: came,
        device: of.device,
        record: roaming.record,
        image: of.image,
    });
    let leaving = others.into_iter().filter(|_| moves);
    Ok(leaving.fold((document, secrets), |kept, gone| without(kept, gone, Left::Moved, now)))
}

/// A terminal is one of the keyring no more: what is kept of it is its key, to tell it so. Where it had one come, that one does not.
fn without(kept: (Keyring, Secrets), gone: TerminalId, left: Left, until: u64) -> (Keyring, Secrets) {
    let comes_by = kept.0.roaming.as_ref().map(|roaming| roaming.by);
    let (mut document, mut secrets) = if comes_by == Some(gone) { nobody_comes(kept) } else { kept };
    let at = document.terminals.iter().position(|terminal| terminal.terminal == gone);
    if let Some(was) = at.map(|at| document.terminals.remove(at)) {
        let (terminal, thumbprint, bound) = (was.terminal, was.thumbprint, was.bound);
        document.former.push(FormerTerminal { terminal, thumbprint, bound, until, left });
    }
    let at = secrets.terminals.iter().position(|terminal| terminal.terminal == gone);
    if let Some(was) = at.map(|at| secrets.terminals.remove(at)) {
        secrets.former.push(FormerKey { terminal: was.terminal, device: was.device });
    }
    let (most, keys) = (document.former.len(), secrets.former.len());
    document.former.drain(..most.saturating_sub(MOST_FORMER));
    secrets.former.drain(..keys.saturating_sub(MOST_FORMER));
    (document, secrets)
}
