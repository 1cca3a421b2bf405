//! Another terminal that comes to a keyring: what the one that shows the code does, and the one that has it.

use sceau_crypto::Secret;
use sceau_element_api::keyring::{KeyringPolicy, RequestKind, Roaming};
use sceau_element_api::wire::Code;
use sceau_element_api::{KeyringActorId, TerminalId};
use sceau_keyring::{
    Admit, Answer, Arrive, Ask, ExpectedTerminal, Expecting, Inner, KeySecret, Login, Names, Pin, Place,
    Request, RoamingAt, RoamingCode, RoamingKeys, RoamingState, Statement, Unlock, Use, Used, channel_id,
    seal_inner, thumbprint, unlock_of,
};

use super::stage::{Key, PIN, Stage, Talk, Terminal, policy};
use super::talk::image;
use crate::house::ORIGIN;

/// What a terminal shows.
pub(super) struct Shown {
    pub(super) code: RoamingCode,
    pub(super) terminal: TerminalId,
    pub(super) index: u64,
}

/// A terminal that has a code.
pub(super) struct Comer {
    pub(super) device: Key,
    pub(super) keys: RoamingKeys,
}

/// A policy whose keyrings have up to three terminals.
pub(super) fn copies() -> KeyringPolicy {
    KeyringPolicy { roaming: Roaming::Copy, terminals_most: 3, ..policy() }
}

/// One whose keyrings move.
pub(super) fn moves() -> KeyringPolicy {
    KeyringPolicy { roaming: Roaming::Move, ..policy() }
}

/// What a holder asks of their own keyring.
pub(super) fn own(stage: &Stage, terminal: &Terminal, kind: RequestKind) -> Request {
    let keyring = terminal.place.keyring;
    Request {
        kind,
        provider: KeyringActorId::of_holder(keyring),
        items: Vec::new(),
        algorithm: None,
        description: "Porte-clés".to_owned(),
        ..stage.request(keyring, &[b"x"])
    }
}

impl Terminal {
    /// Proves the PIN so that another terminal may come.
    pub(super) async fn lets_come(&mut self, stage: &Stage, pin: &str) -> Result<Shown, Code> {
        self.lets_come_as(stage, pin, TerminalId::random()).await
    }

    pub(super) async fn lets_come_as(
        &mut self,
        stage: &Stage,
        pin: &str,
        coming: TerminalId,
    ) -> Result<Shown, Code> {
        self.lets_come_by(stage, pin, coming, RoamingCode::draw()).await
    }

    /// The same, with this code.
    pub(super) async fn lets_come_by(
        &mut self,
        stage: &Stage,
        pin: &str,
        coming: TerminalId,
        code: RoamingCode,
    ) -> Result<Shown, Code> {
        let request = own(stage, self, RequestKind::Roam);
        let jws = request.sign(&self.device).unwrap();
        let (mut talk, pin) = (Talk::begin(stage.client()).await, Pin::parse(pin).unwrap());
        let ((logging, ke1), (registering, register)) = (pin.login().unwrap(), pin.register().unwrap());
        let Place { keyring, terminal, key } = self.place;
        let login = Login {
            keyring,
            terminal,
            request: jws.clone(),
            ke1: ke1.as_slice().into(),
            expecting: Some(Expecting { terminal: coming, register: register.as_slice().into() }),
        };
        let challenge = match talk.ask(&self.device, Ask::Login(login)).await {
            Answer::Challenge(challenge) => challenge,
            Answer::Refused(refusal) => return Err(refusal.code),
            other => panic!("{other:?}"),
        };
        let Ok(proven) = logging.finish(&pin, &challenge.ke2, &Names::of(keyring, terminal, ORIGIN)) else {
            assert!(matches!(talk.ask(&self.device, Ask::Failed {}).await, Answer::Noted {}));
            return Err(Code::PinInvalid);
        };
        let keys = RoamingKeys::of(&code);
        let answer = challenge.expected.clone().unwrap();
        let (upload, export) =
            registering.finish(&pin, &answer, &Names::of(keyring, coming, ORIGIN)).unwrap();
        let place = Place { keyring, terminal: coming, key };
        let expected = ExpectedTerminal {
            terminal: coming,
            upload: upload.as_slice().into(),
            unlock: unlock_of(&export, &keys.secret, &place),
            proof: keys.proof,
        };
        let attempt = super::terminal::Attempt { talk, request, jws, ke1, challenge, proven: Some(proven) };
        let (ask, next) = self.brings(&attempt, Some(expected));
        let mut talk = attempt.talk;
        match talk.ask(&self.device, ask).await {
            Answer::Used(used) => {
                self.secret = next;
                Ok(Shown { code, terminal: coming, index: used.index })
            }
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// The use that a holder's consent makes.
    fn brings(
        &self,
        attempt: &super::terminal::Attempt,
        expected: Option<ExpectedTerminal>,
    ) -> (Ask, KeySecret) {
        let proven = attempt.proven.as_ref().unwrap();
        let sad = self.consent_by(attempt, &self.device.spki).sign(&self.device).unwrap();
        let next = Secret::random();
        let unlock = |secret| -> Unlock { unlock_of(&proven.export, secret, &self.place) };
        let inner = Inner { sad, unlock: vec![unlock(&self.secret)], next: unlock(&next), expected };
        let inner = seal_inner(&proven.session, &attempt.talk.channel.id(), &inner);
        (Ask::Use(Use { ke3: proven.ke3.as_slice().into(), inner: inner.into(), face: None }), next)
    }

    /// Does what its holder asks of their own keyring, and keeps the next secret.
    pub(super) async fn does(&mut self, stage: &Stage, request: Request, pin: &str) -> Result<Used, Code> {
        let mut attempt = self.tries(stage, request, pin).await?;
        if attempt.proven.is_none() {
            assert!(matches!(attempt.talk.ask(&self.device, Ask::Failed {}).await, Answer::Noted {}));
            return Err(Code::PinInvalid);
        }
        let (ask, next) = self.brings(&attempt, None);
        match attempt.talk.ask(&self.device, ask).await {
            Answer::Used(used) => {
                self.secret = next;
                Ok(used)
            }
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn at(&self) -> RoamingAt {
        RoamingAt { keyring: self.place.keyring, terminal: self.place.terminal }
    }

    /// How far it is that another one comes, or itself.
    pub(super) async fn roaming(&self, stage: &Stage) -> Result<RoamingState, Code> {
        match self.asks(stage, Ask::Roaming(self.at())).await {
            Answer::Roaming(state) => Ok(*state),
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// Says that what came shows the same.
    pub(super) async fn admits(&self, stage: &Stage, comer: &Comer) -> Answer {
        let RoamingAt { keyring, terminal } = self.at();
        let thumbprint = comer.print().as_slice().into();
        self.asks(stage, Ask::Admit(Admit { keyring, terminal, thumbprint })).await
    }
}

impl Comer {
    pub(super) fn with(code: &RoamingCode) -> Self {
        Self { device: Key::device(), keys: RoamingKeys::of(code) }
    }

    pub(super) fn print(&self) -> [u8; 32] {
        thumbprint(&self.device.spki).unwrap()
    }

    pub(super) fn arrives(&self, talk: &Talk) -> Arrive {
        let channel = channel_id(&talk.offer.channel).unwrap();
        Arrive {
            code: self.keys.proof.place(),
            device: self.device.spki.clone().into(),
            proof: self.keys.proof.of_terminal(&talk.offer.nonce, &channel, &self.print()),
            image: image(),
        }
    }

    /// Comes with its code: a terminal that tries.
    pub(super) async fn comes(&self, stage: &Stage) -> Result<(), Code> {
        let mut talk = Talk::begin(stage.client()).await;
        let ask = Ask::Arrive(self.arrives(&talk));
        match talk.ask(&self.device, ask).await {
            Answer::Arrived(arrived) => {
                let channel = channel_id(&talk.offer.channel).unwrap();
                let of = (arrived.keyring, arrived.terminal);
                assert_eq!(arrived.proof, self.keys.proof.of_element(&talk.offer.nonce, &channel, of));
                Ok(())
            }
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// As a terminal of this name of the keyring of another one.
    pub(super) fn terminal(self, of: &Terminal, named: TerminalId) -> Terminal {
        let place = Place { terminal: named, ..of.place };
        let certificate = of.certificate.clone();
        Terminal { device: self.device, place, secret: self.keys.secret, certificate }
    }
}

/// Has a terminal come, from the PIN to the PIN.
pub(super) async fn joined(stage: &Stage, source: &mut Terminal) -> Terminal {
    let shown = source.lets_come(stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    comer.comes(stage).await.unwrap();
    assert!(matches!(source.admits(stage, &comer).await, Answer::Recorded { .. }));
    let mut terminal = comer.terminal(source, shown.terminal);
    let request = own(stage, &terminal, RequestKind::Join);
    terminal.does(stage, request, PIN).await.unwrap();
    terminal
}
