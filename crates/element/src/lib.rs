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
mod keyring;
mod protect;
mod pulse;
mod retention;
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
pub use event::{
    AttemptEnd, CalledRow, Change, Event, EventError, HolderUse, KeyringChange, KeyringsBegun, SealedEvent,
    TerminalBox,
};
pub use journal::{
    Claimed, Extent, Following, Journal, JournalError, Place, Recovered, StandbyError, recover,
};
pub use keyring::{
    By, Faces, KeyringAct, KeyringKeys, KeyringsError, NewRow, PreparedKeyring, RecordDetails, RequestFact,
    TerminalsChange,
};
pub use protect::{
    Act, Caller, ContentKeys, DatumKeys, Ending, EpochTerms, Granted, Held, Opened, PreparedCall, Profile,
    ProvenCall, TokenKeys, TraceLineKey, UserProof, judge,
};
pub use pulse::{END_AFTER, STUCK_AFTER};
pub use retention::{JournalMonths, Month, PersonalKeys, RetainMonths};
pub use rules::{APPROVER_AGE, RecordSigner, SignedRecord, read_signed};
pub use sealing::{EphemeralKey, JournalKey, SealingError};
pub use service::{Peers, Service, serve};
pub use signer::{EphemeralSigner, KeysInUse, LogSigner, ProviderSigner, SignerError};
pub use start::{Running, Settings, StartError, start, start_at, take_over_standby};
pub use state::{
    AccessFact, Account, ActorFact, Application, ApplyError, Authority, CallKey, Credential, Dossier,
    Enrolment, Epochs, KeyChain, ManifestFact, OpenCalls, Organisation, Phase, Retention, RetentionStep,
    Scheme, SchemeVersion, State, StatedKey, Turn,
};
pub use state::{Certified, KeyringFact, Keyrings, PolicyFact, RoamingFact, SpentRequests, TerminalFact};
pub use view::{ReadError, View};
pub use witness::{WitnessError, Witnesses};
pub use writer::{Order, Writer, WriterError, sign_checkpoint};
