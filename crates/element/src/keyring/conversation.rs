//! A message on its way: opened, held to its place, signed by who may; and its answer, sealed.

use std::sync::Arc;

use sceau_element_api::KeyringId;
use sceau_element_api::keyring::{
    ContextOffer, Keyring, KeyringsAbout, LONGEST_SEALED, SealedAnswer, SealedMessage,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::{Answer, Ask, Channel, ContextId, MOST_MESSAGES, Message, Statement, file_of, key_of};
use sceau_trace::{Action, Hash, sha256};
use zeroize::Zeroizing;

use super::context::{Context, Last, Stage};
use super::contexts::{Contexts, Known, Whose, over};
use super::faces::Faces;
use super::keys::KeyringKeys;
use super::prepared::use_of;
use super::secrets::{Secrets, unusable};
use super::shares::Behalf;
use super::signers::Signer;
use super::{By, PreparedKeyring};
use crate::clock::Clock;
use crate::decide::{Moment, NONCE_LIFETIME, NonceAuthority};
use crate::rules;
use crate::state::{ActorFact, KeyringFact, State};
use crate::view::View;

/// Where messages about keyrings are taken.
pub(crate) struct Desk {
    pub(super) keys: Arc<KeyringKeys>,
    pub(super) view: Arc<View>,
    contexts: Contexts,
    nonces: NonceAuthority,
    clock: Clock,
    pub(super) faces: Faces,
}

/// A message that came in its place, or came before.
pub(crate) enum Arrived {
    /// It was answered before: the same answer.
    Again(SealedAnswer),
    /// It is to be answered.
    Turn(Box<Turn>),
}

/// A message that is being answered.
pub(crate) struct Turn {
    pub(super) context: Box<Context>,
    seq: u64,
    digest: Hash,
    pub(super) jws: Zeroizing<String>,
    /// Whether its context was begun: else nothing of it is kept.
    begun: bool,
    /// What was read of its keyring, and where, while it is decided.
    read: Option<(u64, Keyring, Secrets)>,
}

/// What is done about a message.
pub(super) enum Next {
    /// It is answered at once.
    Say(Answer, Stage),
    /// It is answered when this is durable.
    Order(Box<PreparedKeyring>, Answered),
}

/// An answer once a step is durable at an index.
pub(super) type Answered = Box<dyn FnOnce(u64) -> (Answer, Stage) + Send>;

/// A turn, and what is to be ordered for it.
pub(crate) enum Step {
    /// Nothing: this is the answer.
    Said(SealedAnswer),
    /// A step in the life of a keyring.
    Order(Box<PreparedKeyring>, Pending),
    /// A refusal that is recorded.
    Refuse(Action, Refusal, Pending),
}

/// A turn that waits for the writer.
pub(crate) struct Pending {
    turn: Box<Turn>,
    answered: Option<Answered>,
}

impl Desk {
    pub(crate) fn new(keys: KeyringKeys, view: Arc<View>, nonces: NonceAuthority, clock: Clock) -> Self {
        let keys = Arc::new(keys);
        Self { keys, view, contexts: Contexts::default(), nonces, clock, faces: Faces::default() }
    }

    /// What terminals and packages pin: nothing before an officer is in office.
    pub(crate) fn about(&self) -> Result<KeyringsAbout, Refusal> {
        let officer = self.with(|state| state.keyrings().officer().map(|officer| officer.certificate));
        let officer = officer.ok_or_else(rules::keyring::not_served)?;
        Ok(self.keys.about(officer, self.view.key().to_string()))
    }

    /// Where keys of holders are made and sign.
    pub(crate) fn holders(&self) -> sceau_hsm::HoldersKept {
        self.keys.holders()
    }

    /// What a context is begun with. Nothing is kept of it.
    pub(crate) fn offer(&self) -> ContextOffer {
        let now = self.now();
        let nonce = self.nonces.issue(now.uptime);
        let channel = self.keys.channel().public().into();
        ContextOffer { id: ContextId::of(&nonce).into(), nonce, ends: now.unix + NONCE_LIFETIME, channel }
    }

    /// Opens a message. It works with the key of contexts for whoever sends a first one.
    pub(crate) fn open(&self, message: &SealedMessage) -> Result<Arrived, Refusal> {
        let id = ContextId::try_from(&*message.context).map_err(|_| over())?;
        if message.sealed.len() > LONGEST_SEALED {
            return Err(Refusal::new(Code::TooLarge, "a sealed message is at most 192 KiB"));
        }
        let digest = sha256(&message.sealed);
        match self.contexts.take(id, self.now().uptime)? {
            Known::New => self.begin(id, message, digest),
            Known::Open(context) => {
                let arrived = Self::go_on(&context, message, digest);
                match arrived {
                    Ok(None) => {}
                    other => {
                        let again = other.transpose();
                        self.contexts.put(context, self.now().uptime);
                        return again.unwrap_or_else(|| Err(over())).map(Arrived::Again);
                    }
                }
                let jws = context.channel.open_up(message.seq, &message.sealed);
                match jws {
                    Ok(jws) => {
                        let seq = message.seq;
                        Ok(Arrived::Turn(Box::new(Turn {
                            context,
                            seq,
                            digest,
                            jws,
                            begun: true,
                            read: None,
                        })))
                    }
                    Err(error) => {
                        self.contexts.put(context, self.now().uptime);
                        Err(Refusal::new(Code::ProofInvalid, error.to_string()))
                    }
                }
            }
        }
    }

    /// Whether a message is the next one of its context; the answer, where it is the last one again.
    fn go_on(
        context: &Context,
        message: &SealedMessage,
        digest: Hash,
    ) -> Result<Option<SealedAnswer>, Refusal> {
        let last = context.last.as_ref().filter(|last| last.answer.seq == message.seq);
        if let Some(last) = last.filter(|last| last.digest == digest) {
            return Ok(Some(last.answer.clone()));
        }
        let next = message.seq == context.next && message.seq <= MOST_MESSAGES && message.first.is_none();
        if next && !matches!(context.stage, Stage::Over) { Ok(None) } else { Err(over()) }
    }

    fn begin(&self, id: ContextId, message: &SealedMessage, digest: Hash) -> Result<Arrived, Refusal> {
        let first = message.first.as_ref().filter(|_| message.seq == 1).ok_or_else(over)?;
        let issued = self.nonces.issued(&first.nonce).ok_or_else(over)?;
        let young = self.now().uptime.saturating_sub(issued) < NONCE_LIFETIME;
        if !young || ContextId::of(&first.nonce) != id {
            return Err(over());
        }
        let cek =
            self.keys.unwrap(&file_of(&id, &first.nonce), &first.wrapped).map_err(|error| match error {
                sceau_hsm::Error::Unwrap(_) => {
                    Refusal::new(Code::ProofInvalid, "the exchange was not sealed to this element")
                }
                error => unusable(error),
            })?;
        let channel = Channel::of(id, &cek);
        let jws = channel.open_up(1, &message.sealed);
        let jws = jws.map_err(|error| Refusal::new(Code::ProofInvalid, error.to_string()))?;
        let context = Box::new(Context {
            channel,
            nonce: first.nonce,
            signer: [0; 32],
            spki: Vec::new(),
            key: None,
            image: None,
            next: 1,
            last: None,
            stage: Stage::Actor,
            ended: false,
        });
        Ok(Arrived::Turn(Box::new(Turn { context, seq: 1, digest, jws, begun: false, read: None })))
    }

    /// Decides what is done about a message.
    pub(crate) fn step(&self, mut turn: Box<Turn>) -> Step {
        let mut action = Action::KEYRING_ATTEMPT;
        let next = self.next(&mut turn, &mut action);
        // Secrets are in memory while they are used, and no longer.
        turn.read = None;
        match next {
            Ok(Next::Say(answer, stage)) => Step::Said(self.seal(*turn, &answer, stage)),
            Ok(Next::Order(prepared, answered)) => {
                Step::Order(prepared, Pending { turn, answered: Some(answered) })
            }
            Err(refusal) => Step::Refuse(action, refusal, Pending { turn, answered: None }),
        }
    }

    /// That nothing is done about a message now: it is as if it had not come, and may come again as it is.
    pub(crate) fn busy(&self, turn: Turn) -> Refusal {
        if turn.begun {
            self.contexts.put(turn.context, self.now().uptime);
        }
        Refusal::new(
            Code::Busy,
            "too much is made, signed or compared at once: send the same again in a moment",
        )
    }

    /// The answer, once the writer has said how it ended.
    pub(crate) fn answer(&self, pending: Pending, told: Result<u64, Refusal>) -> SealedAnswer {
        let Pending { turn, answered } = pending;
        let (answer, stage) = match (told, answered) {
            (Ok(index), Some(answered)) => answered(index),
            (Err(refusal), _) => refused(refusal, &turn),
            (Ok(_), None) => {
                let refusal = Refusal::new(Code::Unavailable, "nothing was done: begin another exchange");
                refused(refusal, &turn)
            }
        };
        self.seal(*turn, &answer, stage)
    }

    fn seal(&self, mut turn: Turn, answer: &Answer, stage: Stage) -> SealedAnswer {
        let sealed = turn.context.channel.seal_down(turn.seq, answer);
        let answer = SealedAnswer { seq: turn.seq, sealed: sealed.into() };
        if turn.begun {
            turn.context.answered(Last { digest: turn.digest, answer: answer.clone() }, stage);
            self.contexts.put(turn.context, self.now().uptime);
        }
        answer
    }

    fn next(&self, turn: &mut Turn, action: &mut Action) -> Result<Next, Refusal> {
        let stage = std::mem::replace(&mut turn.context.stage, Stage::Over);
        if matches!(stage, Stage::Actor) {
            turn.context.stage = Stage::Actor;
        }
        let Signer { spki, image, left } = if turn.begun {
            Signer { spki: turn.context.spki.clone(), image: turn.context.image, left: None }
        } else {
            self.first_signer(turn, action)?
        };
        let key = match &turn.context.key {
            Some(key) => Arc::clone(key),
            None => Arc::new(key_of(Message::TYP, &spki)?),
        };
        let message = Message::verify_by(&turn.jws, &key)?;
        if let Some(left) = left {
            return Err(left);
        }
        if !turn.begun {
            turn.context.signer = *key.thumbprint().as_bytes();
            (turn.context.spki, turn.context.image) = (spki, image);
        }
        turn.context.key = Some(key);
        if message.aud != self.keys.origin() {
            return Err(Refusal::new(Code::CallElsewhere, "the message is for another element"));
        }
        if message.channel != self.keys.channel().key_id() {
            let words =
                "the message was sealed to another key than this element's: somebody stands in between";
            return Err(Refusal::new(Code::CallElsewhere, words));
        }
        if *message.context != turn.context.channel.id().0 || message.seq != turn.seq {
            return Err(Refusal::new(Code::ProofInvalid, "the message was signed for another place"));
        }
        *action = action_of(&message.ask);
        if image.is_some() && message.image != image {
            let words = "the terminal runs elsewhere than where the keyring was activated: it was copied, or its environment was replaced";
            return Err(Refusal::new(Code::TerminalAltered, words));
        }
        match (message.ask, stage) {
            (Ask::Fabricate { policy }, Stage::Actor) => self.fabricate(turn, policy),
            (Ask::Deliver { delivery }, Stage::Actor) => self.deliver(turn, &delivery),
            (Ask::Activate(asked), Stage::Actor) if turn.seq == 1 => self.activate(turn, &asked),
            (Ask::Login(asked), Stage::Actor) if turn.seq == 1 => self.login(turn, asked),
            (Ask::Confirm(asked), Stage::Activating(shown)) => self.confirm(turn, asked, *shown),
            (Ask::Failed {}, Stage::Trying(trying)) => Ok(self.failed(turn, &trying)),
            (Ask::Use(asked), Stage::Trying(trying)) => {
                *action = use_of(trying.asks.fact.kind);
                Ok(self.uses(turn, &asked, *trying))
            }
            (Ask::Look(asked), Stage::Actor) => self.look(turn, &asked),
            (Ask::Suspend(asked), Stage::Actor) => self.suspend(turn, &asked),
            (Ask::Resume(asked), Stage::Actor) => self.resume(turn, &asked),
            (Ask::Destroy(asked), Stage::Actor) => self.destroy(turn, &asked),
            (Ask::Arrive(asked), Stage::Actor) if turn.seq == 1 => self.arrive(turn, &asked),
            (Ask::Roaming(asked), Stage::Actor) => self.roaming(turn, asked),
            (Ask::Admit(asked), Stage::Actor) => self.admit(turn, &asked),
            (Ask::Withdraw(asked), Stage::Actor) => self.withdraw(turn, asked),
            (Ask::Dissociate(asked), Stage::Actor) => self.agree(turn, &asked),
            _ => Err(over()),
        }
    }

    /// Begins the context of a signer who is known by now, counted as this one's, and on whose behalf it is.
    pub(super) fn known(&self, turn: &mut Turn, of: Whose, behalf: Behalf) -> Result<(), Refusal> {
        if !turn.begun {
            self.contexts.begin(turn.context.channel.id(), of, behalf, self.now().uptime)?;
            turn.begun = true;
        }
        Ok(())
    }

    /// As [`Self::keyring_at`], of what was read already to know who signed the message.
    pub(super) fn keyring_in(
        &self,
        turn: &mut Turn,
        keyring: KeyringId,
        row: u64,
    ) -> Result<(Keyring, Secrets), Refusal> {
        match turn.read.take() {
            Some((at, document, secrets)) if at == row && document.keyring == keyring => {
                Ok((document, secrets))
            }
            _ => self.keyring_at(keyring, row),
        }
    }

    /// On whose behalf holders of a keyring come: of the authority that made it.
    pub(super) fn behalf_of(&self, keyring: KeyringId) -> Result<Behalf, Refusal> {
        let of = |known: &KeyringFact| Behalf {
            organisation: known.policy.document.organisation,
            actor: known.authority,
        };
        self.with(|state| state.keyrings().keyring(keyring).map(of)).ok_or_else(unknown)
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.view.with_state(look)
    }

    /// Who of an organisation signed the message.
    pub(super) fn actor(
        &self,
        turn: &Turn,
        organisation: sceau_element_api::OrganisationId,
    ) -> Result<Arc<ActorFact>, Refusal> {
        let found = self.with(|state| state.keyrings().actor(organisation, &turn.context.signer).cloned());
        found.ok_or_else(unknown)
    }
}

impl Turn {
    /// Keeps what was read of its keyring for as long as it is decided.
    pub(super) fn keep_read(&mut self, row: u64, (document, secrets): (Keyring, Secrets)) {
        self.read = Some((row, document, secrets));
    }

    /// Its number.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// A terminal as its signer.
    pub(super) fn by_terminal(&self, terminal: sceau_element_api::TerminalId) -> By {
        By::Terminal(terminal, self.context.signer)
    }
}

/// A refusal within a context: what an actor asked may be asked otherwise, a terminal begins again.
fn refused(refusal: Refusal, turn: &Turn) -> (Answer, Stage) {
    let stage = if matches!(turn.context.stage, Stage::Actor) { Stage::Actor } else { Stage::Over };
    (Answer::Refused(refusal), stage)
}

pub(super) fn unknown() -> Refusal {
    Refusal::new(
        Code::ActorUnknown,
        "nobody who may do this signed it: is the certificate registered and in its validity, and the keyring one of theirs?",
    )
}

pub(super) fn action_of(ask: &Ask) -> Action {
    match ask {
        Ask::Fabricate { .. } => Action::KEYRING_MAKE,
        Ask::Deliver { .. } => Action::KEYRING_DELIVER,
        Ask::Activate(_) | Ask::Confirm(_) => Action::KEYRING_ACTIVATE,
        Ask::Failed {} => Action::KEYRING_FAIL,
        Ask::Use(_) => Action::KEYRING_SIGN,
        Ask::Look(_) => Action::KEYRING_READ,
        Ask::Suspend(_) => Action::KEYRING_SUSPEND,
        Ask::Resume(_) => Action::KEYRING_RESUME,
        Ask::Destroy(_) => Action::KEYRING_DESTROY,
        Ask::Arrive(_) => Action::KEYRING_ARRIVE,
        Ask::Roaming(_) => Action::KEYRING_READ,
        Ask::Admit(_) => Action::KEYRING_ADMIT,
        Ask::Withdraw(_) => Action::KEYRING_WITHDRAW,
        Ask::Dissociate(_) => Action::KEYRING_DISSOCIATE,
        _ => Action::KEYRING_ATTEMPT,
    }
}

/// The refusals of rules, where readers ask them too.
pub(super) use rules::keyring::{
    SUSPENDABLE, agrees, may_be_used, may_enrol, may_leave, may_roam, not_here, roams, stopped_by, waits,
};
