//! The one writer: takes what arrived while the last batch was being synced, decides it in order, signs one checkpoint,
//! syncs once, then answers everyone. It never waits for a batch to fill.

use std::sync::Arc;

use sceau_element_api::wire::{Code, Refusal};
use sceau_hsm::Together;
use sceau_trace::{Checkpoint, CheckpointError, Hash, VerifiedCheckpoint, leaf_hash};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::decide::{Command, Core, Outcome};
use crate::event::{Event, EventError};
use crate::journal::{Journal, JournalError};
use crate::sealing::JournalKey;
use crate::signer::{LogSigner, SignerError};
use crate::state::ApplyError;
use crate::view::View;

/// The most commands in a batch, where each that comes to many records counts as many: bounds what one sync makes the last of them wait for. The last one may
/// take it beyond that.
const MAX_BATCH: usize = 1024;

/// A command and whom to tell its outcome.
pub struct Order {
    /// What is asked.
    pub command: Command,
    /// Called once, when the outcome is durable or certain.
    pub answer: Box<dyn FnOnce(Outcome) + Send>,
}

/// Why the writer stopped. Nothing may be acknowledged any more, and the process must end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The checkpoint could not be signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What is not for everyone could not be sealed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A batch does not follow from the state that was shown.
    #[error(transparent)]
    State(#[from] ApplyError),
}

impl WriterError {
    /// Whether another one serves from the standby: starting anew changes nothing.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(self, Self::Journal(error) if error.is_taken_over())
    }
}

/// The writer's parts.
pub struct Writer {
    core: Core,
    journal: Journal,
    signer: Box<dyn LogSigner>,
    journal_key: Arc<dyn JournalKey>,
    view: Arc<View>,
    clock: Clock,
}

impl Writer {
    /// A writer that continues where the journal ends.
    pub fn new(
        core: Core,
        journal: Journal,
        signer: Box<dyn LogSigner>,
        journal_key: Arc<dyn JournalKey>,
        view: Arc<View>,
        clock: Clock,
    ) -> Self {
        Self { core, journal, signer, journal_key, view, clock }
    }

    /// Serves the queue until it closes.
    ///
    /// # Errors
    /// [`WriterError`]: the orders of the batch are answered as unavailable.
    pub fn run(mut self, mut queue: mpsc::Receiver<Order>) -> Result<(), WriterError> {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while let Some(first) = queue.blocking_recv() {
            let mut weight = first.command.weight();
            batch.push(first);
            while weight < MAX_BATCH {
                let Ok(next) = queue.try_recv() else { break };
                weight += next.command.weight();
                batch.push(next);
            }
            self.view.pulse().begin(self.clock.now().uptime);
            self.serve(&mut batch)?;
            self.view.pulse().end();
        }
        Ok(())
    }

    fn serve(&mut self, batch: &mut Vec<Order>) -> Result<(), WriterError> {
        let mut events = Vec::with_capacity(batch.len());
        let mut outcomes = Vec::with_capacity(batch.len());
        for Order { command, answer } in batch.drain(..) {
            let step = self.core.execute(self.clock.now(), command);
            events.extend(step.events);
            outcomes.push((answer, step.outcome));
        }
        let committed = self.commit(&events);
        for (answer, outcome) in outcomes {
            answer(if committed.is_ok() { outcome } else { unavailable() });
        }
        committed
    }

    fn commit(&mut self, events: &[Event]) -> Result<(), WriterError> {
        if events.is_empty() {
            return Ok(());
        }
        let together = Together::default();
        let seal = |event: &Event| event.seal_together(&*self.journal_key, &together);
        let sealed = events.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
        let leaves = events.iter().map(|event| leaf_hash(&event.leaf));
        let (size, root) = self.view.extend(leaves);
        let checkpoint = sign_checkpoint(&*self.signer, size, root, self.core.map_root())?;
        let note = checkpoint.note().to_string();
        let places = self.journal.commit(&sealed, &note)?;
        self.view.publish(events, places, checkpoint, note)?;
        Ok(())
    }
}

/// Signs the checkpoint of a log and its map.
///
/// # Errors
/// When the key cannot be used.
pub fn sign_checkpoint(
    signer: &dyn LogSigner,
    size: u64,
    root: Hash,
    map_root: Hash,
) -> Result<VerifiedCheckpoint, SignerError> {
    let key = signer.key();
    let checkpoint = Checkpoint::new(key.name(), size, root).and_then(|it| it.with_map_root(map_root))?;
    checkpoint.sign(key, |text| signer.sign(text))
}

fn unavailable() -> Outcome {
    Outcome::Refused(Refusal::new(Code::Unavailable, "the record could not be made durable: ask again later"))
}

impl From<CheckpointError> for WriterError {
    fn from(error: CheckpointError) -> Self {
        Self::Signer(error.into())
    }
}
