//! Steps in the lives of keyrings, as the journal has them.

use std::sync::Arc;

use sceau_element_api::keyring::{BoundTerminal, Keyring};
use sceau_element_api::wire::Version;
use sceau_element_api::{Base64Url, KeyringId, TerminalId};

use super::{Certified, KeyringFact, Keyrings, RoamingFact, TerminalFact};
use crate::event::{AttemptEnd, HolderUse, KeyringChange, TerminalBox};

/// A new version of a keyring, and its entry.
struct Rowed<'a> {
    document: &'a Keyring,
    version: Version,
    boxes: &'a [TerminalBox],
    index: u64,
    time: u64,
}

impl Keyrings {
    /// Takes the step of an entry at `index` in, of this time; none where it does not follow. A new version's document and number are `row`.
    pub(in crate::state) fn take(
        &mut self,
        change: &KeyringChange,
        (index, time): (u64, u64),
        row: Option<(&Keyring, Version)>,
    ) -> Option<()> {
        match (change, row) {
            (KeyringChange::Begun(begun), None) => {
                self.officer = Some(Arc::new(Certified::of(&begun.officer)?));
                self.begun = Some(Arc::new(begun.clone()));
                Some(())
            }
            (KeyringChange::Row { keyring, previous, boxes, holder, .. }, Some((document, version))) => {
                let known = self.of.get(keyring);
                (known.map(|known| known.last) == *previous && document.keyring == *keyring).then_some(())?;
                let rowed = Rowed { document, version, boxes, index, time };
                let mut fact = self.fact(known, &rowed)?;
                if let Some(HolderUse { terminal, request, ends }) = holder {
                    fact.tried(Some(*terminal), fact.pin_proven());
                    self.spent.take(key(request)?, *ends, time).then_some(())?;
                }
                self.know_code(*keyring, &fact);
                self.waiting.take(*keyring, &fact, time);
                self.certifying.take(*keyring, &fact);
                self.of.insert(*keyring, fact);
                Some(())
            }
            (KeyringChange::WrongFactor { keyring, previous }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.wrong_factors = fact.wrong_factors.saturating_add(1);
                Some(())
            }
            (KeyringChange::Attempt { keyring, previous, terminal }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.tried(*terminal, |attempts| attempts.begun(time));
                Some(())
            }
            (KeyringChange::Read { keyring, previous }, None) => {
                self.next(*keyring, *previous, index).map(|_| ())
            }
            (KeyringChange::Ended { keyring, previous, how, terminal }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                let proven = fact.pin_proven();
                fact.tried(*terminal, |attempts| match how {
                    AttemptEnd::Failed => attempts.failed(),
                    AttemptEnd::Proven => proven(attempts),
                });
                Some(())
            }
            (KeyringChange::Used { keyring, previous, terminal, request, ends, face, .. }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.face_used |= face;
                fact.tried(Some(*terminal), sceau_keyring::Attempts::proven);
                fact.terminals.iter_mut().find(|known| known.terminal == *terminal)?.boxed = index;
                self.spent.take(key(request)?, *ends, time).then_some(())
            }
            _ => None,
        }
    }

    /// What is known of a keyring from this version on, which follows what was `known`.
    fn fact(&self, known: Option<&KeyringFact>, rowed: &Rowed<'_>) -> Option<KeyringFact> {
        let Rowed { document, version, index, time, .. } = *rowed;
        let terminals = document.bound().map(|bound| rowed.terminal(known, bound)).collect::<Option<_>>()?;
        let roaming = match &document.roaming {
            Some(said) => {
                let came = document.terminals.iter().find(|terminal| terminal.provisional);
                let came = came.map(|came| rowed.terminal(known, came));
                let came = match came {
                    Some(came) => Some(came?),
                    None => None,
                };
                Some(RoamingFact { said: said.clone(), boxed: rowed.boxed(known, said.terminal)?, came })
            }
            None => None,
        };
        let former =
            document.former.iter().map(|gone| Some((gone.terminal, print(&gone.thumbprint)?, gone.left)));
        Some(KeyringFact {
            row: index,
            version,
            last: index,
            phase: document.phase,
            since: known.filter(|known| known.phase == document.phase).map_or(time, |known| known.since),
            suspended: document.suspended,
            policy: Arc::clone(self.versions.get(&document.policy_hash)?),
            authority: document.authority,
            made: document.made,
            wrong_factors: known.map(|known| known.wrong_factors).unwrap_or_default(),
            failed: known.map(|known| known.failed).unwrap_or_default(),
            terminals,
            roaming,
            former: former.collect::<Option<_>>()?,
            face: document.face,
            face_used: known.is_some_and(|known| known.face_used),
        })
    }

    /// Which keyring its code is of, from this version on; the one of before finds nothing any more.
    fn know_code(&mut self, keyring: KeyringId, fact: &KeyringFact) {
        let code = |fact: &KeyringFact| fact.roaming.as_ref().map(|roaming| roaming.said.code);
        let before = self.of.get(&keyring).and_then(code);
        if let Some(before) = before.filter(|before| self.codes.get(before) == Some(&keyring)) {
            self.codes.remove(&before);
        }
        if let Some(code) = code(fact) {
            // The first one keeps it: who learned a code has nobody led to a keyring of their own.
            self.codes.entry(code).or_insert(keyring);
        }
    }

    /// The keyring whose last entry was at `previous`, and is now at `index`.
    fn next(&mut self, keyring: KeyringId, previous: u64, index: u64) -> Option<&mut KeyringFact> {
        let fact = self.of.get_mut(&keyring).filter(|known| known.last == previous)?;
        fact.last = index;
        Some(fact)
    }
}

impl Rowed<'_> {
    /// A terminal that the document names. What is counted of it goes on, also where it came and is bound now.
    fn terminal(&self, known: Option<&KeyringFact>, bound: &BoundTerminal) -> Option<TerminalFact> {
        let (terminal, thumbprint) = (bound.terminal, print(&bound.thumbprint)?);
        let before = known.and_then(|known| known.terminal(terminal).or_else(|| known.came(terminal)));
        let (open, last) = before.map_or((0, 0), |before| (before.open, before.last));
        Some(TerminalFact { terminal, thumbprint, boxed: self.boxed(known, terminal)?, open, last })
    }

    /// Where the box of a terminal is: in this entry, or where it was.
    fn boxed(&self, known: Option<&KeyringFact>, terminal: TerminalId) -> Option<u64> {
        let new = self.boxes.iter().any(|new| new.terminal == terminal).then_some(self.index);
        let before = || {
            let bound = known?.terminal(terminal).map(|known| known.boxed);
            let roaming = known?.roaming.as_ref().filter(|roaming| roaming.said.terminal == terminal);
            bound.or_else(|| roaming.map(|roaming| roaming.boxed))
        };
        new.or_else(before)
    }
}

fn print(thumbprint: &Base64Url) -> Option<[u8; 32]> {
    thumbprint.0.clone().try_into().ok()
}

/// What a request is known again by.
fn key(request: &Base64Url) -> Option<[u8; 16]> {
    request.0.clone().try_into().ok()
}
