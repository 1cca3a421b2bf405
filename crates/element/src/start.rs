//! Starting: read the journal back, hold it to its key and its witnesses, record the start, begin to write.

mod epochs;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use sceau_trace::{Action, LogTree, RecordError, SignedCheckpoint, leaf_hash};
use tokio::sync::{mpsc, oneshot};

use crate::claim::WebIdentity;
use crate::clock::Clock;
use crate::decide::{Command, Core, NonceAuthority};
use crate::event::{Event, EventError};
use crate::journal::{Journal, JournalError, Place, recover};
use crate::protect::DatumKeys;
use crate::service::Service;
use crate::signer::{LogSigner, SignerError};
use crate::state::{ApplyError, Epochs, State};
use crate::view::{Log, View};
use crate::witness::{WitnessError, check_floor};
use crate::writer::{Writer, WriterError, sign_checkpoint};

/// Orders that wait for the writer before connections wait too.
const QUEUE: usize = 4096;

/// Where the element keeps its state, and what it holds requests to.
#[derive(Debug)]
pub struct Settings {
    /// The state folder.
    pub state: PathBuf,
    /// Which pages passkeys answer to.
    pub web: WebIdentity,
    /// The checkpoints that witnesses remember.
    pub witness_file: Option<PathBuf>,
}

impl Settings {
    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// Whether there is no journal yet: then the log's keys may be made.
    ///
    /// # Errors
    /// When there is one that this version does not continue.
    pub fn is_new(&self) -> Result<bool, JournalError> {
        crate::journal::is_missing(&self.journal())
    }
}

/// A started element.
pub struct Running {
    /// Answers requests.
    pub service: Service,
    /// Ends when every [`Service`] is gone, or the writer fails.
    pub writer: JoinHandle<Result<(), WriterError>>,
    /// Resolves when the writer has stopped, however it did: then nothing can be acknowledged any more.
    pub stopped: oneshot::Receiver<()>,
    /// Bytes of an interrupted write that were cut off.
    pub cut: u64,
}

/// Why the element does not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The state folder cannot be used.
    #[error("the state folder {path} cannot be used ({source}): it must be the element's own, mode 0700")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another element runs on the same state.
    #[error("another element runs on {0}: only one is active at a time")]
    Locked(PathBuf),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal was written under another key or name.
    #[error(
        "the last checkpoint of the journal is not signed by this log's key ({0}): is it the right keystore and --origin?"
    )]
    OtherKey(sceau_trace::CheckpointError),
    /// The log's key cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The witnesses remember otherwise.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The start cannot be recorded.
    #[error("the start cannot be recorded: {0}")]
    Record(#[from] RecordError),
    /// The start cannot be sealed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The start does not follow from the state.
    #[error(transparent)]
    State(#[from] ApplyError),
    /// The system gives no thread.
    #[error("the writer cannot be started: {0}")]
    Thread(io::Error),
}

/// Starts the element on its state folder.
///
/// # Errors
/// [`StartError`].
pub fn start(settings: Settings, signer: Box<dyn LogSigner>) -> Result<Running, StartError> {
    start_at(settings, signer, Clock::start())
}

/// The same by a clock that is given.
///
/// # Errors
/// [`StartError`].
pub fn start_at(settings: Settings, signer: Box<dyn LogSigner>, clock: Clock) -> Result<Running, StartError> {
    let lock = lock(&settings.state)?;
    let nonces = NonceAuthority::new();
    let mut past = Past::read(&settings.journal(), Core::new(nonces.clone()), &*signer)?;
    if let Some(path) = &settings.witness_file {
        past.witnessed = check_floor(path, signer.key(), past.core.state().size(), &past.tree)?;
    }
    let keys = signer.datum_keys(&past.epochs())?;
    let mut keys = keys.map(|keys| if past.witnessed > 0 { keys.witnessed() } else { keys });
    past.core.serve_tenants(keys.as_ref().map_or(0, DatumKeys::tenants));
    let cut = past.cut;
    let mut checkpoint = past.record_start(&clock, &*signer)?;
    if let Some(keys) = &mut keys {
        checkpoint = past.turn_epochs(keys, &clock, &*signer)?.unwrap_or(checkpoint);
    }
    let keys = keys.map(Arc::new);
    let entries = past.journal.reader()?;
    let Past { core, state, tree, places, journal, .. } = past;
    let log = Log { entries, key: signer.key().clone(), journal_key: signer.journal_key() };
    let view = Arc::new(View::new(tree, state, places, checkpoint, log));
    let (orders, queue) = mpsc::channel(QUEUE);
    let writer = Writer::new(core, journal, signer, Arc::clone(&view), clock);
    let thread = std::thread::Builder::new().name("writer".to_owned());
    let (running, stopped) = oneshot::channel();
    let run = move || {
        // The state stays locked for as long as anything may be written. A panic drops `running` too.
        let (_lock, _running) = (lock, running);
        writer.run(queue)
    };
    let writer = thread.spawn(run).map_err(StartError::Thread)?;
    let service = Service::new(view, orders, nonces, clock, settings.web, keys);
    Ok(Running { service, writer, stopped, cut })
}

/// What the journal says happened. The state is there twice: the core's runs ahead of what is durable, readers' does not.
struct Past {
    core: Core,
    state: State,
    tree: LogTree,
    places: Vec<Place>,
    journal: Journal,
    cut: u64,
    /// How many entries witnesses remember.
    witnessed: u64,
}

impl Past {
    fn read(path: &Path, mut core: Core, signer: &dyn LogSigner) -> Result<Self, StartError> {
        let (mut state, mut tree, mut places) = (State::default(), LogTree::new(), Vec::new());
        if !path.exists() {
            let journal = Journal::create(path)?;
            return Ok(Self { core, state, tree, places, journal, cut: 0, witnessed: 0 });
        }
        let key = signer.journal_key();
        let recovered = recover(path, |events, note| {
            for (event, place) in events {
                let event = &event.replay(&*key).map_err(|error| error.to_string())?;
                core.replay(event).map_err(|error| error.to_string())?;
                state.apply(event).map_err(|error| error.to_string())?;
                tree.append(leaf_hash(&event.leaf));
                places.push(*place);
            }
            agrees(note, &tree, &core)
        })?;
        if let Some(note) = &recovered.checkpoint {
            let signed = SignedCheckpoint::parse(note).and_then(|note| note.verify(signer.key()));
            signed.map_err(StartError::OtherKey)?;
        }
        Ok(Self { core, state, tree, places, journal: recovered.journal, cut: recovered.cut, witnessed: 0 })
    }

    /// Records that the element starts; the first batch of this process.
    fn record_start(
        &mut self,
        clock: &Clock,
        signer: &dyn LogSigner,
    ) -> Result<sceau_trace::VerifiedCheckpoint, StartError> {
        let step = self.core.execute(clock.now(), Command::Announce(Action::ELEMENT_START));
        let events: Vec<Event> = step.event.into_iter().collect();
        self.commit(&events, signer)
    }

    /// The present epoch of each organisation that protects data, in the order of the numbers of their keys.
    fn epochs(&self) -> Vec<u32> {
        let all = self.state.protecting();
        all.iter().map(|id| self.state.epochs(*id).map_or(1, Epochs::current)).collect()
    }

    /// Makes a batch durable that the core has taken in.
    fn commit(
        &mut self,
        events: &[Event],
        signer: &dyn LogSigner,
    ) -> Result<sceau_trace::VerifiedCheckpoint, StartError> {
        for event in events {
            self.state.apply(event)?;
            self.tree.append(leaf_hash(&event.leaf));
        }
        let checkpoint = sign_checkpoint(signer, self.tree.size(), self.tree.root(), self.core.map_root())?;
        let key = signer.journal_key();
        let sealed: Result<Vec<_>, _> = events.iter().map(|event| event.seal(&*key)).collect();
        self.places.extend(self.journal.commit(&sealed?, &checkpoint.note().to_string())?);
        Ok(checkpoint)
    }
}

/// Whether a batch's checkpoint is of the log and the map that its events make.
fn agrees(note: &str, tree: &LogTree, core: &Core) -> Result<(), String> {
    let checkpoint = SignedCheckpoint::parse(note).map_err(|error| error.to_string())?;
    let said = checkpoint.unverified();
    if said.size() != tree.size() || said.root() != tree.root() {
        return Err("its checkpoint is of another log".to_owned());
    }
    if said.map_root() != Some(core.map_root()) {
        return Err("its checkpoint is of another map of rows".to_owned());
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File, StartError> {
    let unusable = |source| StartError::Folder { path: folder.to_owned(), source };
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(unusable)?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().map_err(unusable)?.permissions());
    if mode & 0o077 != 0 {
        return Err(unusable(io::Error::new(io::ErrorKind::PermissionDenied, "others have access to it")));
    }
    let file = File::create(folder.join("lock")).map_err(unusable)?;
    file.try_lock().map_err(|_| StartError::Locked(folder.to_owned()))?;
    Ok(file)
}
