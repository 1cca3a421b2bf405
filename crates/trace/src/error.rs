use crate::FieldPath;
use thiserror::Error;

/// Who has to act on an error of this room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Our own code asked for something that cannot be.
    Caller,
    /// Whoever wrote the bytes: they are malformed, truncated or altered.
    Sender,
    /// The log, or who speaks in its name: a signature or a proof does not hold. Keep the bytes, they are the proof.
    Log,
    /// Our storage lacks what it should hold.
    Storage,
}

/// A stored hash that should be there is not: our storage is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stored hash of level {level}, number {index}, is missing")]
pub struct MissingHash {
    /// Level of the subtree; 0 is the leaves.
    pub level: u8,
    /// Number of the subtree on its level.
    pub index: u64,
}

/// A proof that could not be made, or that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The index or the sizes do not fit: no such proof can exist.
    #[error("no such proof exists: the index or the older size is beyond the tree")]
    OutOfRange,
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
    /// The proof leads to another root.
    #[error("the proof leads to another root than the checkpoint's")]
    RootMismatch,
    /// A hash needed to make the proof is not stored.
    #[error(transparent)]
    Missing(#[from] MissingHash),
}

impl ProofError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ProofError::OutOfRange => "proof.out_of_range",
            ProofError::WrongLength => "proof.wrong_length",
            ProofError::RootMismatch => "proof.root_mismatch",
            ProofError::Missing(_) => "proof.missing_hash",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            ProofError::OutOfRange => Fault::Caller,
            ProofError::WrongLength | ProofError::RootMismatch => Fault::Log,
            ProofError::Missing(_) => Fault::Storage,
        }
    }
}

/// A path or the bytes of a tile or bundle that cannot be. Whoever sent them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TileError {
    /// Not the path of a tile or bundle.
    #[error("not the path of a tile or of an entry bundle")]
    Path,
    /// The bytes are not as many as the width asks for.
    #[error("the tile or bundle is not as long as its width says")]
    WrongLength,
    /// An entry that a bundle cannot carry.
    #[error("an entry is longer than 65,535 bytes")]
    EntryTooLong,
}

impl TileError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            TileError::Path => "tile.path",
            TileError::WrongLength => "tile.wrong_length",
            TileError::EntryTooLong => "tile.entry_too_long",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        Fault::Sender
    }
}

/// A record that may not enter the log, or bytes that are not a record. The writer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Longer than an entry bundle can carry.
    #[error("the record is longer than 65,535 bytes")]
    TooLong,
    /// Not JSON of the expected shape; the reason has a position, never the content.
    #[error("not a record (line {line}, column {column})")]
    Malformed {
        /// Line of the first error.
        line: usize,
        /// Column of the first error.
        column: usize,
    },
    /// A version that this program does not know.
    #[error("the record has an unknown version")]
    UnknownVersion,
    /// Valid JSON, but not the one way to write this record (sorted keys, no white space, nothing missing or twice).
    #[error("the record is not in canonical form")]
    NotCanonical,
    /// A field holds what it may not.
    #[error("the record's {field} is not acceptable: {rule}")]
    Field {
        /// The field's path in the record.
        field: &'static str,
        /// What it should have been.
        rule: &'static str,
    },
}

impl RecordError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::TooLong => "record.too_long",
            RecordError::Malformed { .. } => "record.malformed",
            RecordError::UnknownVersion => "record.unknown_version",
            RecordError::NotCanonical => "record.not_canonical",
            RecordError::Field { .. } => "record.field",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        Fault::Sender
    }
}

/// A signed note or a key that is malformed, or a signature that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// Two signature lines of one key.
    #[error("the note has two signatures of the same key")]
    DuplicateSignature,
    /// Not a verifier key (`name+id+base64`), or of a type that this program does not know.
    #[error("not a verifier key: {0}")]
    BadKey(&'static str),
    /// The note carries no signature of that key.
    #[error("the note is not signed by the expected key")]
    NotSigned,
    /// The note carries a signature of that key, and it is wrong.
    #[error("the note's signature is wrong")]
    BadSignature,
}

impl NoteError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            NoteError::Malformed(_) => "note.malformed",
            NoteError::DuplicateSignature => "note.duplicate_signature",
            NoteError::BadKey(_) => "note.bad_key",
            NoteError::NotSigned => "note.not_signed",
            NoteError::BadSignature => "note.bad_signature",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            NoteError::NotSigned | NoteError::BadSignature => Fault::Log,
            _ => Fault::Sender,
        }
    }
}

/// A checkpoint that is malformed or not the expected log's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A signed note, but not a checkpoint.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// A checkpoint whose origin is not the name of the key that signed it.
    #[error("the checkpoint is of another log than the key's")]
    WrongOrigin,
    /// Two checkpoints of one log contradict each other: the newer is smaller, or the proof between them fails.
    #[error("the newer checkpoint does not extend the older one: {0}")]
    NotAnExtension(ProofError),
}

impl CheckpointError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CheckpointError::Note(error) => error.code(),
            CheckpointError::Malformed(_) => "checkpoint.malformed",
            CheckpointError::WrongOrigin => "checkpoint.wrong_origin",
            CheckpointError::NotAnExtension(_) => "checkpoint.not_an_extension",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            CheckpointError::Note(error) => error.fault(),
            CheckpointError::Malformed(_) => Fault::Sender,
            CheckpointError::WrongOrigin | CheckpointError::NotAnExtension(_) => Fault::Log,
        }
    }
}

/// An opening that shows nothing: whoever made it claims what the log does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// The commitment in the record is another value's, or under another key.
    #[error("the opening of {0} does not fit its commitment")]
    Wrong(FieldPath),
    /// The record holds no commitment there.
    #[error("there is no commitment at {0} to be opened")]
    Superfluous(FieldPath),
}

impl OpeningError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            OpeningError::Wrong(_) => "opening.wrong",
            OpeningError::Superfluous(_) => "opening.superfluous",
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        Fault::Sender
    }
}

/// An evidence file that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Longer than any evidence file that this program writes.
    #[error("the evidence file is too long")]
    TooLong,
    /// Not an evidence file.
    #[error("not an evidence file")]
    Malformed,
    /// An evidence file of a version that this program does not know.
    #[error("the evidence file has an unknown version")]
    UnknownVersion,
    /// The embedded key is not the one asked for.
    #[error("the evidence comes from another log than the expected one")]
    OtherLog,
    /// What is to show that another log saw this one shows nothing of the kind.
    #[error("the other log's record is not that it saw this log")]
    NotSeen,
    /// The record within.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The checkpoint within.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The inclusion proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// An opening within.
    #[error(transparent)]
    Opening(#[from] OpeningError),
}

impl EvidenceError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            EvidenceError::TooLong => "evidence.too_long",
            EvidenceError::Malformed => "evidence.malformed",
            EvidenceError::UnknownVersion => "evidence.unknown_version",
            EvidenceError::OtherLog => "evidence.other_log",
            EvidenceError::NotSeen => "evidence.not_seen",
            EvidenceError::Record(error) => error.code(),
            EvidenceError::Checkpoint(error) => error.code(),
            EvidenceError::Proof(error) => error.code(),
            EvidenceError::Opening(error) => error.code(),
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            EvidenceError::OtherLog | EvidenceError::NotSeen => Fault::Log,
            EvidenceError::Record(error) => error.fault(),
            EvidenceError::Checkpoint(error) => error.fault(),
            EvidenceError::Proof(_) => Fault::Log,
            _ => Fault::Sender,
        }
    }
}
