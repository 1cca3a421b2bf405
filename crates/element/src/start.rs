//! Starting: read the journal back, hold it to its key and its witnesses, record the start, begin to write.

mod epochs;
mod keyrings;
mod retention;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use sceau_hsm::{FolderLock, Together};
use sceau_trace::{Action, Asserted, LogTree, Record, RecordError, SignedCheckpoint, VerifierKey, leaf_hash};
use tokio::sync::{mpsc, oneshot};

use crate::claim::WebIdentity;
use crate::clock::Clock;
use crate::decide::{Command, Core, NonceAuthority};
use crate::event::{Event, EventError};
use crate::journal::{
    Claimed, Extent, Journal, JournalError, Place, StandbyError, recover, refuse_standby, take_over,
};
use crate::keyring::Desk;
use crate::protect::DatumKeys;
use crate::retention::{JournalMonths, Retaining};
use crate::service::Service;
use crate::signer::{CONTENT_KEY, KeysInUse, LogSigner, SignerError};
use crate::state::{ApplyError, Epochs, State};
use crate::view::{Log, View};
use crate::witness::{WitnessError, Witnesses};
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
    /// Who must have cosigned one of them for keys in a token to be destroyed on its word.
    pub witness_policy: Option<PathBuf>,
    /// The folder of another machine that has each batch before it is acknowledged.
    pub standby: Option<PathBuf>,
    /// Keys of the logs of other elements, whose checkpoints are recorded here.
    pub peers: Vec<VerifierKey>,
    /// For how many milliseconds who approves an erasure must have been there when it was asked: [`crate::APPROVER_AGE`].
    pub approver_age: u64,
    /// After how many milliseconds without an answer of what keeps the keys, or the disk, callers are told that nothing can be recorded: [`crate::STUCK_AFTER`].
    pub stuck_after: u64,
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
    /// When there is one that this version does not continue, or that another element writes.
    pub fn is_new(&self) -> Result<bool, JournalError> {
        refuse_standby(&self.state)?;
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
    /// The standby cannot follow, or was taken over.
    #[error(transparent)]
    Standby(#[from] StandbyError),
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

impl StartError {
    /// Whether another one serves from the standby: starting anew changes nothing.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        match self {
            Self::Standby(error) => error.is_taken_over(),
            Self::Journal(error) => error.is_taken_over(),
            _ => false,
        }
    }
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
    refuse_standby(&settings.state)?;
    // Before anything is decided, or a key destroyed: what was taken over does nothing more.
    let claim = |folder: &PathBuf| Claimed::claim(folder, &settings.state);
    let standby = settings.standby.as_ref().map(claim).transpose()?;
    let nonces = NonceAuthority::new();
    let mut past = Past::read(&settings.journal(), Core::new(nonces.clone()), &*signer)?;
    if let Some(path) = &settings.witness_file {
        let witnesses = Witnesses::of(path, settings.witness_policy.as_deref(), signer.key())?;
        past.witnessed = witnesses.check_floor(signer.key(), past.core.state().size(), &past.tree)?;
    }
    let keys = signer.datum_keys(&past.keys_in_use())?;
    let mut keys = keys.map(|keys| if past.witnessed > 0 { keys.witnessed() } else { keys });
    let mut personal = signer.personal_keys(&past.months, clock)?;
    past.core.serve_tenants(keys.as_ref().map_or(0, DatumKeys::tenants));
    past.core.see_logs_of(settings.peers.clone());
    past.core.take_approvers_of(settings.approver_age);
    let cut = past.cut;
    if let Some(standby) = standby {
        // It has each step of this start too: a key is destroyed once the standby knows.
        past.journal = past.journal.followed_by(standby.catch_up()?);
    }
    let mut checkpoint = past.record_start(keys.as_ref(), &clock, &*signer)?;
    if let Some(keys) = &mut keys {
        checkpoint = past.turn_epochs(keys, &clock, &*signer)?.unwrap_or(checkpoint);
    }
    if let Some(personal) = &mut personal {
        checkpoint = past.forget(personal, &clock, &*signer)?.unwrap_or(checkpoint);
    }
    let (keyrings, begun) = past.begin_keyrings(&clock, &*signer)?;
    checkpoint = begun.unwrap_or(checkpoint);
    let (keys, personal) = (keys.map(Arc::new), personal.map(Arc::new));
    let mut journal_key = signer.journal_key();
    if let Some(personal) = &personal {
        journal_key = Arc::new(Retaining { journal: journal_key, personal: Arc::clone(personal) });
    }
    let entries = past.journal.reader()?;
    past.journal.take_keys_away()?;
    let Past { mut core, state, tree, places, journal, .. } = past;
    let log = Log { entries, key: signer.key().clone(), journal_key: Arc::clone(&journal_key) };
    let view = Arc::new(View::new(tree, state, places, checkpoint, log, clock));
    view.name_agreements(&mut core);
    let desk = keyrings.map(|keys| Arc::new(Desk::new(keys, Arc::clone(&view), nonces.clone(), clock)));
    let (orders, queue) = mpsc::channel(QUEUE);
    let writer = Writer::new(core, journal, signer, journal_key, Arc::clone(&view), clock);
    let thread = std::thread::Builder::new().name("writer".to_owned());
    let (running, stopped) = oneshot::channel();
    let run = move || {
        // The state stays locked for as long as anything may be written. A panic drops `running` too.
        let (_lock, _running) = (lock, running);
        writer.run(queue)
    };
    let writer = thread.spawn(run).map_err(StartError::Thread)?;
    let service = Service::new(view, orders, nonces, clock, settings.web, keys, personal)
        .with_keyrings(desk)
        .seeing(settings.peers)
        .stuck_after(settings.stuck_after);
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
    /// How many entries witnesses remember, as the policy has it.
    witnessed: u64,
    /// Those under whose keys it is sealed who asked, and those whose keys are to be gone.
    months: JournalMonths,
    /// The key of contents that a start named.
    contents: Option<String>,
}

impl Past {
    fn read(path: &Path, mut core: Core, signer: &dyn LogSigner) -> Result<Self, StartError> {
        let (mut state, mut tree, mut places) = (State::default(), LogTree::new(), Vec::new());
        if !path.exists() {
            let journal = Journal::create(path)?;
            let months = JournalMonths::default();
            let contents = None;
            return Ok(Self { core, state, tree, places, journal, cut: 0, witnessed: 0, months, contents });
        }
        let (key, mut months, mut contents) = (signer.journal_key(), JournalMonths::default(), None);
        let recovered = recover(path, |events, note| {
            for (event, place) in events {
                months.used.extend(event.month());
                let event = &event.replay(&*key).map_err(|error| error.to_string())?;
                core.replay(event).map_err(|error| error.to_string())?;
                state.apply(event).map_err(|error| error.to_string())?;
                contents = named_contents(&event.leaf).or(contents.take());
                tree.append(leaf_hash(&event.leaf));
                places.push(*place);
            }
            agrees(note, &tree, &core)
        })?;
        if let Some(note) = &recovered.checkpoint {
            let signed = SignedCheckpoint::parse(note).and_then(|note| note.verify(signer.key()));
            signed.map_err(StartError::OtherKey)?;
        }
        months.ended = state.retention().ended().collect();
        let (journal, cut) = (recovered.journal, recovered.cut);
        Ok(Self { core, state, tree, places, journal, cut, witnessed: 0, months, contents })
    }

    /// Records that the element starts, and with which key of contents where none was named yet; the first batch of this process.
    fn record_start(
        &mut self,
        keys: Option<&DatumKeys>,
        clock: &Clock,
        signer: &dyn LogSigner,
    ) -> Result<sceau_trace::VerifiedCheckpoint, StartError> {
        let contents = keys.filter(|_| self.contents.is_none()).map(|keys| keys.contents().name().to_owned());
        let step = self.core.execute(clock.now(), Command::Start(contents));
        self.commit(&step.events, signer)
    }

    fn keys_in_use(&self) -> KeysInUse {
        let all = self.state.protecting();
        let epochs = all.iter().map(|id| self.state.epochs(*id).map_or(1, Epochs::current)).collect();
        KeysInUse { epochs, contents: self.contents.clone() }
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
        let together = Together::default();
        let sealed: Result<Vec<_>, _> =
            events.iter().map(|event| event.seal_together(&*key, &together)).collect();
        self.places.extend(self.journal.commit(&sealed?, &checkpoint.note().to_string())?);
        Ok(checkpoint)
    }
}

/// The key of contents that an entry names: the element's own word, on a start.
fn named_contents(leaf: &[u8]) -> Option<String> {
    let name = CONTENT_KEY.as_bytes();
    // Most entries are of something else, and not worth parsing.
    leaf.windows(name.len()).any(|part| part == name).then_some(())?;
    let record = Record::parse(leaf).ok()?;
    let is_start = record.action() == &Action::ELEMENT_START && record.asserted() == Asserted::Element;
    is_start.then(|| record.detail().get(CONTENT_KEY).cloned())?
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

/// Makes what a standby has a state that may be served, in the folder `into`: an empty one, or one that is made. First the turn ends for whoever served, which
/// acknowledges nothing from then on and does not start; what that one still writes or destroys is in a folder that nobody serves. May be done again where it was
/// interrupted. `even_behind`: also where its element had not brought it all.
///
/// # Errors
/// [`StartError::Standby`]; [`StartError::Locked`] where another one is at it, or serves.
pub fn take_over_standby(standby: &Path, into: &Path, even_behind: bool) -> Result<Extent, StartError> {
    if refuse_standby(standby).is_ok() {
        return Err(StandbyError::Nothing(standby.to_owned()).into());
    }
    let _locks = [lock(standby)?, lock(into)?];
    Ok(take_over(standby, into, even_behind)?)
}

fn lock(folder: &Path) -> Result<FolderLock, StartError> {
    let unusable = |source| StartError::Folder { path: folder.to_owned(), source };
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(unusable)?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().map_err(unusable)?.permissions());
    if mode & 0o077 != 0 {
        return Err(unusable(io::Error::new(io::ErrorKind::PermissionDenied, "others have access to it")));
    }
    FolderLock::take(folder).map_err(|error| match error {
        sceau_hsm::Error::InUse(folder) => StartError::Locked(folder),
        other => unusable(io::Error::other(other)),
    })
}
