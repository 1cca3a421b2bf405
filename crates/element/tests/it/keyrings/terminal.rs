//! A terminal as it should be: what it keeps, and what it says.

use sceau_crypto::Secret;
use sceau_element_api::Client;
use sceau_element_api::wire::{Code, Version};
use sceau_keyring::{
    Activate, Activating, Answer, Ask, Challenge, Confirm, Expected, Factors, Inner, Login, LookAt, Names,
    Package, Pin, Place, Proven, Request, Sad, Standing, Statement, Unlock, Use, first_proof, seal_inner,
    second_proof, thumbprint, unlock_of,
};
use sceau_trace::sha256;

use super::stage::{Key, PIN, Stage, now};
use super::talk::Talk;
use crate::house::ORIGIN;

/// A terminal, and what it keeps.
pub(super) struct Terminal {
    pub(super) device: Key,
    pub(super) place: Place,
    pub(super) secret: Secret<32>,
    pub(super) certificate: Vec<u8>,
}

/// An activation under way.
pub(super) struct ToConfirm {
    device: Key,
    talk: Talk,
    place: Place,
    secret: Secret<32>,
    confirm: Confirm,
}

impl ToConfirm {
    pub(super) async fn confirm(self) -> (Terminal, Answer) {
        let (terminal, answer, _) = self.confirmed().await;
        (terminal, answer)
    }

    /// The same, and how often it was sent again.
    pub(super) async fn confirmed(self) -> (Terminal, Answer, usize) {
        let Self { device, mut talk, place, secret, confirm } = self;
        let answer = talk.ask(&device, Ask::Confirm(confirm)).await;
        let certificate = match &answer {
            Answer::Activated(activated) => activated.certificate.clone().unwrap_or_default().0,
            _ => Vec::new(),
        };
        (Terminal { device, place, secret, certificate }, answer, talk.again)
    }
}

/// An attempt under way.
pub(super) struct Attempt {
    pub(super) talk: Talk,
    pub(super) request: Request,
    pub(super) jws: String,
    pub(super) ke1: [u8; 96],
    pub(super) challenge: Challenge,
    pub(super) proven: Option<Proven>,
}

impl Terminal {
    pub(super) async fn activate(client: &Client, package: &Package) -> (Self, Answer) {
        Self::activating(client, package).await.confirm().await
    }

    /// An activation whose factors were taken.
    pub(super) async fn activating(client: &Client, package: &Package) -> ToConfirm {
        let (device, mut talk) = (Key::device(), Talk::begin(client).await);
        let pin = Pin::parse(PIN).unwrap();
        let (registering, register) = pin.register().unwrap();
        let asked = asked_to_activate(&device, &talk, package, &register);
        let answer = talk.ask(&device, Ask::Activate(asked)).await;
        let Answer::Activating(shown) = answer else { panic!("{answer:?}") };
        let Activating { terminal, key, identity, policy, response, .. } = *shown;
        let place = Place { keyring: package.keyring, terminal, key: key.0.try_into().unwrap() };
        let names = Names::of(package.keyring, terminal, ORIGIN);
        let (upload, export) = registering.finish(&pin, &response, &names).unwrap();
        let secret = Secret::random();
        let confirm = Confirm {
            upload: upload.as_slice().into(),
            unlock: unlock_of(&export, &secret, &place),
            identity: identity.hash(),
            policy: sha256(&policy),
            image: super::talk::image(),
        };
        ToConfirm { device, talk, place, secret, confirm }
    }

    /// What it asks without a PIN.
    pub(super) async fn asks(&self, stage: &Stage, ask: Ask) -> Answer {
        Talk::begin(stage.client()).await.ask(&self.device, ask).await
    }

    /// Where its keyring stands, in its own sight.
    pub(super) async fn standing(&self, stage: &Stage) -> Standing {
        let Place { keyring, terminal, .. } = self.place;
        let ask = Ask::Look(LookAt::newest(keyring, Some(terminal)));
        match self.asks(stage, ask).await {
            Answer::Standing(standing) => *standing,
            other => panic!("{other:?}"),
        }
    }

    /// A wrong PIN, honestly told.
    pub(super) async fn fails(&self, stage: &Stage) {
        let request = stage.request(self.place.keyring, &[b"x"]);
        let mut attempt = self.attempt(stage, request, "111222").await.unwrap();
        assert!(attempt.proven.is_none());
        assert!(matches!(attempt.talk.ask(&self.device, Ask::Failed {}).await, Answer::Noted {}));
    }

    pub(super) fn login(&self, jws: &str, ke1: &[u8]) -> Ask {
        let Place { keyring, terminal, .. } = self.place;
        Ask::Login(Login { keyring, terminal, request: jws.to_owned(), ke1: ke1.into(), expecting: None })
    }

    /// Begins an attempt with this PIN.
    pub(super) async fn attempt(&self, stage: &Stage, request: Request, pin: &str) -> Result<Attempt, Code> {
        let jws = stage.asked(&request);
        self.attempt_for(stage, request, jws, pin).await
    }

    /// The same, for what its holder asks on it.
    pub(super) async fn tries(&self, stage: &Stage, request: Request, pin: &str) -> Result<Attempt, Code> {
        let jws = request.sign(&self.device).unwrap();
        self.attempt_for(stage, request, jws, pin).await
    }

    async fn attempt_for(
        &self,
        stage: &Stage,
        request: Request,
        jws: String,
        pin: &str,
    ) -> Result<Attempt, Code> {
        let (mut talk, pin) = (Talk::begin(stage.client()).await, Pin::parse(pin).unwrap());
        let (logging, ke1) = pin.login().unwrap();
        match talk.ask(&self.device, self.login(&jws, &ke1)).await {
            Answer::Challenge(challenge) => {
                let names = Names::of(self.place.keyring, self.place.terminal, ORIGIN);
                let proven = logging.finish(&pin, &challenge.ke2, &names).ok();
                Ok(Attempt { talk, request, jws, ke1, challenge, proven })
            }
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// The consent to what is asked, as it should be.
    pub(super) fn consent(&self, stage: &Stage, attempt: &Attempt) -> Sad {
        self.consent_by(attempt, &stage.provider.spki)
    }

    /// The same, to what the owner of this key asks.
    pub(super) fn consent_by(&self, attempt: &Attempt, spki: &[u8]) -> Sad {
        let proven = attempt.proven.as_ref().unwrap();
        Sad::expected(&Expected {
            keyring: self.place.keyring,
            key: &self.place.key,
            terminal: thumbprint(&self.device.spki).unwrap(),
            provider: sceau_trace::Hash::new(sceau_keyring::thumbprint(spki).unwrap()),
            request_jws: &attempt.jws,
            request: &attempt.request,
            policy: attempt.challenge.policy,
            state: Version { version: attempt.challenge.version, hash: attempt.challenge.hash },
            challenge: attempt.challenge.challenge,
            seq: 2,
            opaque: Sad::transcript(&attempt.ke1, &attempt.challenge.ke2, &proven.ke3),
            time: now(),
            ends: attempt.request.ends,
        })
    }

    /// The use that a consent makes, and the terminal's next secret.
    pub(super) fn uses(&self, attempt: &Attempt, sad: &str) -> (Ask, Secret<32>) {
        let proven = attempt.proven.as_ref().unwrap();
        let next = Secret::random();
        let unlock = |secret| -> Unlock { unlock_of(&proven.export, secret, &self.place) };
        let inner = Inner {
            sad: sad.to_owned(),
            unlock: vec![unlock(&self.secret)],
            next: unlock(&next),
            expected: None,
        };
        let inner = seal_inner(&proven.session, &attempt.talk.channel.id(), &inner);
        (Ask::Use(Use { ke3: proven.ke3.as_slice().into(), inner: inner.into(), face: None }), next)
    }

    /// Does what its holder asks on it.
    pub(super) async fn ends(
        &self,
        stage: &Stage,
        request: Request,
        pin: &str,
    ) -> Result<sceau_keyring::Used, Code> {
        let mut attempt = self.tries(stage, request, pin).await?;
        let sad = self.consent_by(&attempt, &self.device.spki).sign(&self.device).unwrap();
        let (ask, _) = self.uses(&attempt, &sad);
        match attempt.talk.ask(&self.device, ask).await {
            Answer::Used(used) => Ok(used),
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// Signs, from the request to the answer; keeps the next secret where it was done.
    pub(super) async fn sign(
        &mut self,
        stage: &Stage,
        request: Request,
    ) -> Result<sceau_keyring::Used, Code> {
        let mut attempt = self.attempt(stage, request, PIN).await?;
        let sad = self.consent(stage, &attempt).sign(&self.device).unwrap();
        let (ask, next) = self.uses(&attempt, &sad);
        match attempt.talk.ask(&self.device, ask).await {
            Answer::Used(used) => {
                self.secret = next;
                Ok(used)
            }
            Answer::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }
}

/// What a terminal that has the package's code asks first.
pub(super) fn asked_to_activate(device: &Key, talk: &Talk, package: &Package, register: &[u8]) -> Activate {
    let print = thumbprint(&device.spki).unwrap();
    let factors = Factors { code: &package.code, second: package.second.as_ref() };
    Activate {
        keyring: package.keyring,
        device: device.spki.clone().into(),
        first: first_proof(&package.code, package.keyring, &talk.offer.nonce, &print),
        second: second_proof(&factors, package.keyring, &talk.offer.nonce, &print),
        register: register.into(),
    }
}
