//! Messages about keyrings, on their way to the writer and back.

use std::sync::Arc;

use sceau_element_api::Kind;
use sceau_element_api::keyring::{BroughtCertificate, SealedMessage};
use sceau_element_api::wire::{Code, Refusal, Response, RowKey};
use sceau_hsm::HoldersKept;
use sceau_trace::Action;

use super::Service;
use crate::decide::Command;
use crate::keyring::{Arrived, Desk, Faces, Pending, Step, Turn};
use crate::rules;

impl Service {
    /// With keyrings.
    pub(crate) fn with_keyrings(self, desk: Option<Arc<Desk>>) -> Self {
        Self { desk, ..self }
    }

    /// Where keys of holders are made and sign; none where no keyrings are served.
    #[must_use]
    pub fn holders_kept(&self) -> Option<HoldersKept> {
        self.desk.as_ref().map(|desk| desk.holders())
    }

    /// Where the biometric process comes to. Where keyrings are not served, nobody asks it.
    #[must_use]
    pub fn faces(&self) -> Faces {
        self.desk.as_deref().map(Desk::faces).cloned().unwrap_or_default()
    }

    pub(super) fn desk(&self) -> Result<&Arc<Desk>, Refusal> {
        self.desk.as_ref().ok_or_else(rules::keyring::not_served)
    }

    /// Opens a message and answers it. Whoever sends a first one has the keystore work on it before anything is known of them: that has turns of its own, as
    /// encrypted calls have.
    pub(super) fn take_keyring(
        &self,
        message: Box<SealedMessage>,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let service = self.clone();
        tokio::spawn(async move {
            let fault =
                || Err(Refusal::new(Code::Unavailable, "the message could not be opened: send it again"));
            let open = move |service: &Self| {
                let desk = service.desk()?;
                service.using_keys(|| desk.open(&message))
            };
            let here = service.desk().is_ok_and(|desk| desk.opens_here());
            let opened = service.opening(!here, open).await.unwrap_or_else(fault);
            match opened {
                Ok(Arrived::Turn(turn)) => service.in_its_turns(turn, answer).await,
                opened => service.keyring_here(opened, answer).await,
            }
        });
    }

    /// Answers a message in the turns that it takes: a key of RSA is made, a batch is signed by one, and a face is compared, in turns of their own, of which each authority has a share.
    async fn in_its_turns(&self, turn: Box<Turn>, answer: impl FnOnce(Response) + Send + 'static) {
        let long = self.desk().ok().and_then(|desk| {
            let makes = desk.makes_long(&turn).map(|of| self.turns.making.place(of));
            let looks = || desk.looks_long(&turn).map(|of| self.turns.faces.place(of));
            makes.or_else(looks).or_else(|| desk.signs_long(&turn).map(|of| self.turns.batches.place(of)))
        });
        let quick = self.desk().is_ok_and(|desk| desk.is_quick(&turn));
        let place = match long {
            None if quick => return self.keyring_here(Ok(Arrived::Turn(turn)), answer).await,
            None => return self.work(move |service| service.keyring(Ok(Arrived::Turn(turn)), answer)).await,
            Some(place) => place,
        };
        match (place, self.desk()) {
            (Some(place), _) => {
                self.at_length(place, move |service| service.keyring(Ok(Arrived::Turn(turn)), answer)).await;
            }
            // In clear, before the message was looked at: it is as if it had not come, and the same may come again.
            (None, Ok(desk)) => answer(Response::Refused(desk.busy(*turn))),
            (None, Err(refusal)) => answer(Response::Refused(refusal)),
        }
    }

    /// Judges what an authority outside answered for a keyring, and has it taken in; on a thread that may wait.
    pub(super) fn bring_certificate(
        &self,
        brought: &BroughtCertificate,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let certified = self.desk().and_then(|desk| self.using_keys(|| desk.certified(brought)));
        let command = match certified {
            Ok(prepared) => Command::Keyring(Box::new(prepared)),
            Err(refusal) => {
                let row = RowKey { kind: Kind::Keyring, id: brought.keyring.into() };
                Command::Refuse { action: Action::KEYRING_CERTIFY, row: Some(row), refusal }
            }
        };
        self.order_blocking(command, answer);
    }

    /// Answers such a message; on a thread that may wait.
    fn keyring(&self, arrived: Result<Arrived, Refusal>, answer: impl FnOnce(Response) + Send + 'static) {
        match self.decided(arrived) {
            Decided::Said(said) => answer(said),
            Decided::Refuse(command) => self.order_blocking(command, answer),
            Decided::Order(command, pending) => {
                let (runtime, answered) = (tokio::runtime::Handle::current(), self.answered(pending, answer));
                // Not on the writer's thread, which tells that the record is durable.
                self.order_blocking(command, move |told| drop(runtime.spawn_blocking(|| answered(told))));
            }
        }
    }

    /// The same where nothing is waited for: what passes between threads costs more than most messages.
    async fn keyring_here(
        &self,
        arrived: Result<Arrived, Refusal>,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let turn = self.turn().await;
        let decided = self.decided(arrived);
        drop(turn);
        match decided {
            Decided::Said(said) => answer(said),
            Decided::Refuse(command) => self.order(command, answer).await,
            Decided::Order(command, pending) => {
                let (runtime, answered) = (tokio::runtime::Handle::current(), self.answered(pending, answer));
                self.order(command, move |told| drop(runtime.spawn(async { answered(told) }))).await;
            }
        }
    }

    /// What is done about a message.
    fn decided(&self, arrived: Result<Arrived, Refusal>) -> Decided {
        let refuse = |action, refusal| Command::Refuse { action, row: None, refusal };
        let (turn, desk) = match (arrived, self.desk()) {
            (Ok(Arrived::Turn(turn)), Ok(desk)) => (turn, desk),
            (Ok(Arrived::Again(again)), _) => return Decided::Said(Response::Keyring(again)),
            (Err(refusal), _) | (_, Err(refusal)) => {
                return Decided::Refuse(refuse(Action::KEYRING_ATTEMPT, refusal));
            }
        };
        match self.using_keys(|| desk.step(turn)) {
            Step::Said(said) => Decided::Said(Response::Keyring(said)),
            Step::Order(prepared, pending) => Decided::Order(Command::Keyring(prepared), pending),
            Step::Refuse(action, refusal, pending) => Decided::Order(refuse(action, refusal), pending),
        }
    }

    /// Answers a message, once the writer has told how it ended.
    fn answered<A: FnOnce(Response) + Send + 'static>(
        &self,
        pending: Pending,
        answer: A,
    ) -> impl FnOnce(Response) + Send + 'static + use<A> {
        let service = self.clone();
        move |told| {
            if let Ok(desk) = service.desk() {
                answer(service.using_keys(|| sealed(desk, pending, told)));
            }
        }
    }
}

/// What is done about a message.
enum Decided {
    /// This is the answer.
    Said(Response),
    /// A refusal is recorded, and is the answer, in clear.
    Refuse(Command),
    /// This is recorded, and then answered.
    Order(Command, Pending),
}

/// The answer, once it is durable.
fn sealed(desk: &Desk, pending: Pending, told: Response) -> Response {
    let told = match told {
        Response::Appended { index } => Ok(index),
        Response::Refused(refusal) => Err(refusal),
        _ => Err(Refusal::new(Code::Unavailable, "nothing was recorded: begin another exchange")),
    };
    Response::Keyring(desk.answer(pending, told))
}
