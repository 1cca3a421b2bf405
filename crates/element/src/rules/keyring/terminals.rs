//! Which terminals a keyring has: one more comes, with a code and the PIN; one is taken off. Judged in their turn.

use sceau_element_api::Base64Url;
use sceau_element_api::TerminalId;
use sceau_element_api::keyring::{ActorRole, Dissociation, KeyringPhase, Roaming};
use sceau_element_api::wire::{Code, Refusal};
use sceau_trace::{Action, Asserted, Hash, Record, RecordBuilder};

use super::not_here;
use super::order::{Step, Taken};
use super::uses::{as_agreed, asked, with};
use crate::event::{HolderUse, KeyringChange};
use crate::keyring::{By, KeyringAct, NewRow, TerminalsChange};
use crate::rules::{demand, element};
use crate::state::{KeyringFact, RoamingFact};

const LAST: &str = "it is the only terminal of the keyring: destroy the keyring instead";
/// The terminal that a record is about besides the one that signed: its id is committed to as every other one.
const OTHER: &str = "other_terminal";

/// As long as what a holder asked of support stands, in ms: what was asked once is not agreed to years later.
const PARTS_WITHIN: u64 = 7 * 24 * 3600 * 1000;

/// Whether one more terminal may come to this keyring.
///
/// # Errors
/// [`Code::KeyringPhase`], with what its policy says.
pub(crate) fn may_roam(known: &KeyringFact) -> Result<(), Refusal> {
    let policy = &known.policy.document;
    match policy.roaming {
        Roaming::None => {
            let words = "the policy of this keyring lets no other terminal come to it";
            Err(Refusal::new(Code::KeyringPhase, words))
        }
        Roaming::Move => Ok(()),
        Roaming::Copy => {
            let words =
                format!("the keyring has {} terminals, and its policy allows no more", known.terminals.len());
            demand(known.terminals.len() < usize::from(policy.terminals_most), Code::KeyringPhase, &words)
        }
    }
}

/// Whether a terminal may be taken off.
///
/// # Errors
/// [`Code::NotFound`], [`Code::KeyringPhase`].
pub(crate) fn may_leave(known: &KeyringFact, terminal: TerminalId) -> Result<(), Refusal> {
    demand(known.terminal(terminal).is_some(), Code::NotFound, "the keyring has no such terminal")?;
    demand(known.terminals.len() > 1, Code::KeyringPhase, LAST)
}

/// Whether a face may be enrolled: the policy asks for one, and none was used. Until then who has the terminal and the PIN is believed, once and again; what was
/// enrolled and used is not replaced, or the PIN alone would open what takes the face.
///
/// # Errors
/// [`Code::RequestInvalid`], [`Code::FaceEnrolled`].
pub(crate) fn may_enrol(known: &KeyringFact) -> Result<(), Refusal> {
    let asked = known.policy.document.face.is_some();
    demand(asked, Code::RequestInvalid, "the policy of this keyring asks for no face: none is taken")?;
    let words =
        "a face is enrolled for this keyring, and was used: have another keyring made for another picture";
    demand(!known.face_used, Code::FaceEnrolled, words)
}

/// Where a terminal is on its way to a keyring that may go on.
///
/// # Errors
/// [`Code::RoamingInvalid`].
pub(crate) fn roams(known: &KeyringFact, now: u64) -> Result<&RoamingFact, Refusal> {
    let open = known.roaming.as_ref().filter(|roaming| roaming.is_open_at(now));
    let words = "no terminal may come to this keyring now: the code was used or taken back, or has ended; have another one shown";
    open.ok_or_else(|| Refusal::new(Code::RoamingInvalid, words))
}

/// Whether support may agree to what was asked at this time.
///
/// # Errors
/// [`Code::KeyringPhase`].
pub(crate) fn agrees(parting: Option<u64>, now: u64) -> Result<(), Refusal> {
    let asked = parting.is_some_and(|since| now < since.saturating_add(PARTS_WITHIN));
    let words = "its holder did not ask in the last seven days, on a terminal of the keyring and with the PIN, that this one be taken off";
    demand(asked, Code::KeyringPhase, words)
}

impl Step<'_> {
    /// What a holder agreed to with the PIN: which terminals there are.
    pub(super) fn terminals(&self) -> Taken {
        let KeyringAct::Terminals { request, version, opened, row, boxes, told, change } = &self.prepared.act
        else {
            return Err(Refusal::new(Code::Malformed, "no change of terminals"));
        };
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.trying(known)?;
        as_agreed(known, terminal, *version, *opened)?;
        self.may_ask(known, terminal, request)?;
        let joins = known.terminal(terminal.terminal).is_none();
        let words = "what the terminal may ask is not this";
        demand(joins == (*change == TerminalsChange::Join), Code::ActorUnknown, words)?;
        let of = |builder: RecordBuilder, other: &TerminalId| builder.subject(OTHER, other.to_string());
        let builder = with(asked(self.of(known), request), told);
        let builder = match change {
            TerminalsChange::Expect(coming) => {
                may_roam(known)?;
                demand(!known.has_had(*coming), Code::RequestInvalid, "the name is another terminal's")?;
                of(builder, coming)
            }
            TerminalsChange::Join => {
                let roaming = roams(known, self.now)?;
                may_roam(known)?;
                of(builder, &roaming.said.by)
            }
            TerminalsChange::Dissociate(gone) => {
                self.as_policy_says(known, *gone, Dissociation::Holder)?;
                of(builder, gone)
            }
            TerminalsChange::Part(gone) => {
                self.as_policy_says(known, *gone, Dissociation::HolderAndSupport)?;
                of(builder, gone)
            }
            TerminalsChange::Enrol => {
                may_enrol(known)?;
                builder
            }
        };
        let (record, change) = self.row(builder, row, Some(known), boxes.clone())?;
        let holder = HolderUse {
            terminal: terminal.terminal,
            request: Base64Url::from(request.key().as_slice()),
            ends: request.ends,
        };
        Ok((record, by_holder(change, holder)))
    }

    fn as_policy_says(
        &self,
        known: &KeyringFact,
        gone: TerminalId,
        how: Dissociation,
    ) -> Result<(), Refusal> {
        let words = "the policy says otherwise who takes a terminal off";
        demand(known.policy.document.dissociation == how, Code::KeyringPhase, words)?;
        may_leave(known, gone)
    }

    /// A terminal came: who it is nobody knows yet, so the record is the element's.
    pub(super) fn arrive(&self, row: &NewRow, code: &Hash) -> Taken {
        let known = self.in_phase(KeyringPhase::Active)?;
        let roaming = roams(known, self.now)?;
        let words = "another terminal came with this code meanwhile";
        demand(roaming.said.code == *code, Code::RoamingInvalid, "another code was shown meanwhile")?;
        demand(roaming.came.is_none(), Code::RoamingTaken, words)?;
        let builder = self.elements(known, Action::KEYRING_ARRIVE);
        self.row(builder.subject("terminal", roaming.said.terminal.to_string()), row, Some(known), Vec::new())
    }

    /// The terminal that showed the code, and none other, says that the short codes are the same.
    pub(super) fn admit(&self, row: &NewRow) -> Taken {
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.terminal(known)?;
        let roaming = roams(known, self.now)?;
        let words = "another terminal of the keyring showed the code: it alone compares";
        demand(roaming.said.by == terminal.terminal, Code::NotAuthorised, words)?;
        demand(roaming.came.is_some(), Code::RoamingInvalid, "no terminal came yet")?;
        demand(!roaming.said.admitted, Code::RoamingInvalid, "the terminal that came was admitted already")?;
        let builder = self.of(known).subject(OTHER, roaming.said.terminal.to_string());
        self.row(builder, row, Some(known), Vec::new())
    }

    /// Any of its terminals takes a code back; and the element, where two came with one code.
    pub(super) fn withdraw(&self, row: &NewRow) -> Taken {
        let known = self.in_phase(KeyringPhase::Active)?;
        let roaming = known.roaming.as_ref();
        let words = "no terminal may come to this keyring: there is nothing to take back";
        let roaming = roaming.ok_or_else(|| Refusal::new(Code::RoamingInvalid, words))?;
        let builder = match &self.prepared.by {
            By::Factor => self.elements(known, Action::KEYRING_WITHDRAW).detail("reason", "taken"),
            _ => {
                self.terminal(known)?;
                self.of(known).detail("reason", "requested")
            }
        };
        self.row(builder.subject(OTHER, roaming.said.terminal.to_string()), row, Some(known), Vec::new())
    }

    /// Support agrees to what the holder asked, and to nothing else.
    pub(super) fn agree(&self, row: &NewRow, gone: TerminalId) -> Taken {
        let known = self.known()?;
        let By::Support(by) = &self.prepared.by else {
            return Err(Refusal::new(Code::ActorUnknown, "no support of this policy signed it"));
        };
        let may = self.acts(by, ActorRole::Support, &known.policy);
        demand(may, Code::ActorUnknown, "no support of this policy signed it")?;
        // Suspended or not: what was stolen is taken off while it stands still.
        let there = matches!(known.stands(), KeyringPhase::Active | KeyringPhase::Suspended);
        if !there {
            return Err(not_here(known));
        }
        self.as_policy_says(known, gone, Dissociation::HolderAndSupport)?;
        let builder = self.of(known).subject(OTHER, gone.to_string());
        self.row(builder, row, Some(known), Vec::new())
    }

    fn elements(&self, known: &KeyringFact, action: Action) -> RecordBuilder {
        let builder = Record::builder(self.now, element(), Asserted::Element, action);
        builder.organisation(known.policy.document.organisation.to_string())
    }
}

fn by_holder(change: KeyringChange, holder: HolderUse) -> KeyringChange {
    match change {
        KeyringChange::Row { keyring, previous, payload, sealed, boxes, .. } => {
            KeyringChange::Row { keyring, previous, payload, sealed, boxes, holder: Some(holder) }
        }
        change => change,
    }
}
