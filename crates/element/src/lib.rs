//! The element: the privileged process that keeps the log, the attested rows and their proofs.
//!
//! [`Core`] decides and is pure; [`Journal`], [`Writer`] and [`Service`] are its thin edges, and [`start`] puts them together.
//! This room must never answer with a secret, never acknowledge what is not on disk, never take the platform's word for an
//! actor's, and never start behind what its witnesses remember. `docs/element-operations.md` lists what each operation demands.

mod claim;
mod clock;
mod confine;
mod decide;
mod document;
mod event;
mod journal;
mod names;
mod protect;
mod rules;
mod sealing;
mod service;
mod signer;
mod start;
mod state;
mod view;
mod witness;
mod writer;

pub use claim::{Claim, ProofKey, ProvenClaim, WebIdentity};
pub use clock::Clock;
pub use confine::{Reach, confine};
pub use decide::{Command, Core, Moment, NONCE_LIFETIME, NonceAuthority, Outcome, Step};
pub use document::AnyDocument;
pub use event::{CalledRow, Change, Event, EventError, SealedEvent};
pub use journal::{Journal, JournalError, Place, Recovered, recover};
pub use names::{group_id, user_id};
pub use protect::{
    Act, Caller, DatumKeys, Ending, EpochTerms, Granted, Held, PreparedCall, ProvenCall, judge,
};
pub use rules::{RecordSigner, SignedRecord, read_signed};
pub use sealing::{EphemeralKey, JournalKey, SealingError};
pub use service::{Peers, Service, serve};
pub use signer::{EphemeralSigner, LogSigner, ProviderSigner, SignerError};
pub use start::{Running, Settings, StartError, start, start_at};
pub use state::{
    Account, Application, ApplyError, Authority, CallKey, Credential, Dossier, Enrolment, Epochs, KeyChain,
    ManifestFact, OpenCalls, Organisation, Phase, Scheme, SchemeVersion, State, StatedKey, Turn,
};
pub use view::{ReadError, View};
pub use witness::{WitnessError, check_floor};
pub use writer::{Order, Writer, WriterError, sign_checkpoint};
