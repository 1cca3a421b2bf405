//! Messages about keyrings, on their way to the writer and back.

use std::sync::Arc;

use sceau_element_api::keyring::SealedMessage;
use sceau_element_api::wire::{Code, Refusal, Response};
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
            let opened = service.opening(open).await.unwrap_or_else(fault);
            match opened {
                Ok(Arrived::Turn(turn)) => service.in_its_turns(turn, answer).await,
                opened => service.work(move |service| service.keyring(opened, answer)).await,
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
        let place = match long {
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

    /// Answers such a message; on a thread that may wait.
    fn keyring(&self, arrived: Result<Arrived, Refusal>, answer: impl FnOnce(Response) + Send + 'static) {
        let (turn, desk) = match (arrived, self.desk()) {
            (Ok(Arrived::Turn(turn)), Ok(desk)) => (turn, Arc::clone(desk)),
            (Ok(Arrived::Again(again)), _) => return answer(Response::Keyring(again)),
            (Err(refusal), _) | (_, Err(refusal)) => {
                let command = Command::Refuse { action: Action::KEYRING_ATTEMPT, row: None, refusal };
                return self.order_blocking(command, answer);
            }
        };
        let (command, pending) = match self.using_keys(|| desk.step(turn)) {
            Step::Said(said) => return answer(Response::Keyring(said)),
            Step::Order(prepared, pending) => (Command::Keyring(prepared), pending),
            Step::Refuse(action, refusal, pending) => {
                (Command::Refuse { action, row: None, refusal }, pending)
            }
        };
        let (runtime, service) = (tokio::runtime::Handle::current(), self.clone());
        // Not on the writer's thread, which tells that the record is durable.
        self.order_blocking(command, move |told| {
            let answered = move || answer(service.using_keys(|| sealed(&desk, pending, told)));
            drop(runtime.spawn_blocking(answered));
        });
    }
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
