//! A terminal comes to a keyring: with a code that another one shows, after their holder found the same short code on both.
//!
//! The code alone lets a terminal wait to be compared. It is told nothing of the holder, and tries no PIN, before the terminal that showed the code says that both are
//! the same: who took a picture of the code blocks nobody's keyring with it.

use sceau_crypto::jose::{Algorithm, PublicJwk};
use sceau_element_api::keyring::{BoundTerminal, Keyring, KeyringPhase};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{
    Admit, Admitted, Answer, Arrive, Arrived, RoamingAt, RoamingProof, RoamingStage, RoamingState,
};

use super::context::Stage;
use super::contexts::Whose;
use super::conversation::{Answered, Desk, Next, Turn, roams, unknown};
use super::secrets::{CameSecrets, Secrets, damaged, unusable};
use super::signers::not_bound;
use super::terminals::nobody_comes;
use super::{By, KeyringAct, PreparedKeyring};
use crate::state::{KeyringFact, RoamingFact};

/// How long a terminal may take to come, then to be compared, then to prove the PIN, in ms each.
pub(super) const LASTS: u64 = 5 * 60 * 1000;

impl Desk {
    pub(super) fn arrive(&self, turn: &mut Turn, asked: &Arrive) -> Result<Next, Refusal> {
        let algorithm = PublicJwk::of_spki(&asked.device).ok().and_then(|key| key.own_algorithm());
        if algorithm != Some(Algorithm::Es256) {
            return Err(Refusal::new(Code::Malformed, "a terminal's key is on P-256"));
        }
        let place = |known: &KeyringFact| known.row;
        let (keyring, row) = self
            .with(|state| {
                let keyring = state.keyrings().of_code(&asked.code)?;
                Some((keyring, place(state.keyrings().keyring(keyring)?)))
            })
            .ok_or_else(no_code)?;
        let (document, secrets) = self.keyring_at(keyring, row)?;
        let roaming = secrets.roaming.as_ref().ok_or_else(no_code)?;
        let (nonce, channel) = (turn.context.nonce, self.keys.channel().key_id());
        let proof = roaming.proof.of_terminal(&nonce, &channel, &turn.context.signer);
        if !RoamingProof::is(&asked.proof, &proof) {
            return Err(no_code());
        }
        let found = self.found(keyring, KeyringPhase::Active)?;
        let now = self.now().unix;
        let open = self.with(|state| {
            let known = state.keyrings().keyring(keyring).ok_or_else(unknown)?;
            roams(known, now).cloned()
        })?;
        let terminal = open.said.terminal;
        let second = open.came.as_ref().is_some_and(|came| came.thumbprint != turn.context.signer);
        // From here on who sends it has the code: the same bytes have the same answer. The second one with it comes once, however often the first came: it ends the code.
        let known = self.known(turn, Whose::Activation(keyring), self.behalf_of(keyring)?);
        if !second {
            known?;
        }
        let proof = roaming.proof.of_element(&nonce, &channel, (keyring, terminal));
        let arrived = move |ends| Answer::Arrived(Arrived { keyring, terminal, ends, proof });
        match &open.came {
            // Its answer was lost.
            Some(came) if came.thumbprint == turn.context.signer => {
                Ok(Next::Say(arrived(open.said.ends), Stage::Over))
            }
            Some(_) => self.taken((document, secrets), found.version, keyring),
            None => {
                let ends = now.saturating_add(LASTS);
                let came = (turn.context.signer, turn.context.spki.clone());
                let (document, secrets) = came_to((document, secrets), &came, asked, (now, ends));
                let row = self.new_row(&document, &secrets, Some(found.version))?;
                let act = KeyringAct::Arrive { row, code: asked.code };
                let answered: Answered = Box::new(move |_| (arrived(ends), Stage::Over));
                Ok(Next::Order(Box::new(PreparedKeyring { keyring, by: By::Factor, act }), answered))
            }
        }
    }

    /// Two have the code: one of them is not the holder's, and nobody here knows which. It is of no use to either any more, and the terminal that showed it sees so.
    fn taken(
        &self,
        of: (Keyring, Secrets),
        version: sceau_element_api::wire::Version,
        keyring: KeyringId,
    ) -> Result<Next, Refusal> {
        let (document, secrets) = nobody_comes(of);
        let row = self.new_row(&document, &secrets, Some(version))?;
        let words = "another terminal came with this code: somebody else has it. It is of no use any more; have another one shown where nobody sees it";
        let refusal = Refusal::new(Code::RoamingTaken, words);
        let answered: Answered = Box::new(move |_| (Answer::Refused(refusal), Stage::Over));
        let act = KeyringAct::Withdraw { row };
        Ok(Next::Order(Box::new(PreparedKeyring { keyring, by: By::Factor, act }), answered))
    }

    /// How far a roaming is, for a terminal of the keyring, or the one that came.
    pub(super) fn roaming(&self, turn: &mut Turn, asked: RoamingAt) -> Result<Next, Refusal> {
        let signer = turn.context.signer;
        let now = self.now().unix;
        let (bound, open, phase, row) = self.with(|state| {
            let known = state.keyrings().keyring(asked.keyring);
            let seen = |known: &KeyringFact| {
                let found = known.terminal(asked.terminal);
                let bound = found.is_some();
                let found = found.or_else(|| known.came(asked.terminal))?;
                let open = known.roaming.clone().filter(|roaming| roaming.is_open_at(now));
                (found.thumbprint == signer).then_some((bound, open, known.stands(), known.row))
            };
            // It may have been one as the exchange began.
            known.and_then(seen).ok_or_else(|| not_bound(known, asked.terminal, signer))
        })?;
        self.known(turn, Whose::Terminal(signer), self.behalf_of(asked.keyring)?)?;
        let admits = !bound
            && phase == KeyringPhase::Active
            && open.as_ref().is_some_and(|roaming| roaming.said.admitted);
        let admitted = if admits { Some(Box::new(self.admitted(asked.keyring, row)?)) } else { None };
        let state = RoamingState {
            stage: stage(open.as_ref()),
            phase,
            terminal: open.as_ref().map(|roaming| roaming.said.terminal),
            thumbprint: open
                .as_ref()
                .and_then(|roaming| roaming.came.as_ref())
                .map(|came| came.thumbprint.as_slice().into()),
            ends: open.as_ref().map_or(0, |roaming| roaming.said.ends),
            admitted,
            time: now,
        };
        Ok(Next::Say(Answer::Roaming(Box::new(state)), Stage::Actor))
    }

    /// What a terminal is told once its holder found the same short code on both.
    fn admitted(&self, keyring: KeyringId, row: u64) -> Result<Admitted, Refusal> {
        let (document, secrets) = self.keyring_at(keyring, row)?;
        let found = self.found(keyring, KeyringPhase::Active)?;
        let identity = secrets.identity.ok_or_else(|| damaged(keyring, "it is active, and nobody's"))?;
        let access = self.with(|state| {
            state.keyrings().access(found.policy.document.organisation).map(|access| access.index)
        });
        let access = access.ok_or_else(|| damaged(keyring, "it has no authorisation policy"))?;
        let certificate = secrets.key.as_ref().and_then(|key| key.certificate.clone());
        let chain = self.chain_of(secrets.key.as_ref());
        let key = document.key.map_or_else(|| sceau_keyring::NO_KEY.as_slice().into(), |key| key.id);
        Ok(Admitted {
            key,
            identity,
            policy: self.view.attested_at(found.policy.index).map_err(unusable)?.into(),
            access: self.view.attested_at(access).map_err(unusable)?.into(),
            word: self.keys.word_jwk(),
            certificate,
            chain,
        })
    }

    pub(super) fn admit(&self, turn: &mut Turn, asked: &Admit) -> Result<Next, Refusal> {
        let by = self.asker(turn, asked.keyring, Some(asked.terminal))?;
        let found = self.found(asked.keyring, KeyringPhase::Active)?;
        let (mut document, secrets) = self.keyring_at(asked.keyring, found.row)?;
        let came = document.terminals.iter().find(|terminal| terminal.provisional);
        let same = came.is_some_and(|came| came.thumbprint == asked.thumbprint);
        let roaming = document.roaming.as_mut().filter(|_| same);
        let words = "the terminal that came is not the one whose short code was compared";
        let roaming = roaming.ok_or_else(|| Refusal::new(Code::RoamingInvalid, words))?;
        let now = self.now().unix;
        if roaming.admitted && roaming.by == asked.terminal && now < roaming.ends {
            // Its answer was lost. The minutes that it gave are not given again: a code would be good for as long as somebody says so, and each time another version.
            return Ok(Next::Say(Answer::Recorded { index: found.row }, Stage::Actor));
        }
        roaming.admitted = true;
        roaming.ends = now.saturating_add(LASTS);
        let row = self.new_row(&document, &secrets, Some(found.version))?;
        Ok(recorded(PreparedKeyring { keyring: asked.keyring, by, act: KeyringAct::Admit { row } }))
    }

    pub(super) fn withdraw(&self, turn: &mut Turn, asked: RoamingAt) -> Result<Next, Refusal> {
        let by = self.asker(turn, asked.keyring, Some(asked.terminal))?;
        let found = self.found(asked.keyring, KeyringPhase::Active)?;
        let (document, secrets) = nobody_comes(self.keyring_at(asked.keyring, found.row)?);
        let row = self.new_row(&document, &secrets, Some(found.version))?;
        Ok(recorded(PreparedKeyring { keyring: asked.keyring, by, act: KeyringAct::Withdraw { row } }))
    }
}

/// A step of which the answer is where it is on record.
pub(super) fn recorded(prepared: PreparedKeyring) -> Next {
    Next::Order(Box::new(prepared), Box::new(|index| (Answer::Recorded { index }, Stage::Actor)))
}

/// The version of a keyring that a terminal came to.
fn came_to(
    (mut document, mut secrets): (Keyring, Secrets),
    (thumbprint, spki): &([u8; 32], Vec<u8>),
    asked: &Arrive,
    (now, ends): (u64, u64),
) -> (Keyring, Secrets) {
    let terminal = document.roaming.as_mut().map(|roaming| {
        roaming.ends = ends;
        roaming.terminal
    });
    let came = |terminal: TerminalId| BoundTerminal {
        terminal,
        thumbprint: thumbprint.as_slice().into(),
        bound: now,
        provisional: true,
        parting: None,
    };
    document.terminals.extend(terminal.map(came));
    if let Some(roaming) = &mut secrets.roaming {
        roaming.came = Some(CameSecrets { device: spki.clone().into(), image: asked.image });
    }
    (document, secrets)
}

fn stage(open: Option<&RoamingFact>) -> RoamingStage {
    match open {
        None => RoamingStage::Over,
        Some(roaming) if roaming.said.admitted => RoamingStage::Admitted,
        Some(RoamingFact { came: Some(_), .. }) => RoamingStage::Came,
        Some(_) => RoamingStage::Expected,
    }
}

/// One answer to whoever has no code that counts: which keyrings have one is told to nobody.
fn no_code() -> Refusal {
    let words =
        "the roaming code is not one, or was used or taken back, or has ended: have another one shown";
    Refusal::new(Code::RoamingInvalid, words)
}
