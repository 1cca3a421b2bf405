//! The trace: records, the Merkle log that holds them, checkpoints, proofs and evidence.
//!
//! Everything here is a pure function of bytes: no clock, no file, no socket. The log is RFC 6962's tree served as C2SP
//! tlog-tiles; checkpoints are C2SP signed notes. This room must never hold a private key (signing is a closure, so that
//! an HSM can do it) and must never let personal data into a record: ids, hashes and commitments only,
//! and in a log that others read no id of a person: see [`Record::commit`].

mod checkpoint;
mod cosignature;
mod error;
mod evidence;
mod export;
mod growth;
mod hash;
mod label;
mod note;
mod opening;
mod policy;
mod proof;
mod record;
mod sighting;
mod state;
mod tile;
mod tlog_proof;
mod tree;
mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint, VerifiedCheckpoint};
pub use cosignature::Cosignature;
pub use error::{
    CheckpointError, EvidenceError, Fault, MissingHash, NoteError, OpeningError, ProofError, RecordError,
    TileError,
};
pub use evidence::{Evidence, VerifiedEvidence};
pub use export::moment::date;
pub use export::{LogEntry, otlp_logs, rfc3339};
pub use growth::{Growth, GrowthStep};
pub use hash::{Hash, empty_root, leaf_hash, node_hash, sha256};
pub use note::{KeyKind, Note, NoteSignature, VerifierKey};
pub use opening::{Commitment, CommitmentKey, FieldPath, Opening, Openings};
pub use policy::{Policy, PolicyError, PolicySyntax, PolicyWitness};
pub use proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use record::{
    Action, Actor, ActorKind, Asserted, Attested, MAX_RECORD_BYTES, Outcome, Record, RecordBuilder, Subject,
};
pub use sighting::{Seen, Sighting};
pub use state::{AttestedRows, Conflict, MapProof, StateEntry, StateMap};
pub use tile::{Bundle, TILE_WIDTH, Tile, TileReader};
pub use tlog_proof::TlogProof;
pub use tree::{HashReader, LogTree, root_at};
pub use witness::{AddCheckpoint, WitnessRefusal, admit};
